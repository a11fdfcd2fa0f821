"""`videobert inspect model`: every finding in JSON and on one page that loads nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tokenization.test_codebook_page import read_page
from tests.toys.model import captioning_model
from tests.toys.work_folder import ToyWork, toy_work
from videobert.cli.main import app
from videobert.data.annotations import import_annotations
from videobert.finetune.options import CLASSIFY, FinetuneOptions
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import task_folder
from videobert.probes.report import inspect_model

EVERY = "isotropy distance labels tree attention importance order tuning".split()


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ToyWork:
    return toy_work(tmp_path_factory.mktemp("toy"), captioning_model())


def import_steps(work: Path, table: Path) -> None:
    lines = [f"video_{n},{3 * k},{3 * k + 3},step {k}" for n in range(5) for k in range(5)]
    table.write_text("\n".join(["video,start,end,label", *lines]), encoding="utf-8")
    import_annotations(table, work, "table")


def test_every_finding_is_in_json_and_on_a_page_that_loads_nothing(
    toy: ToyWork, tmp_path: Path
) -> None:
    import_steps(toy.work, tmp_path / "steps.csv")
    page = tmp_path / "page.html"
    options = ["--work", str(toy.work), "--annotations", "steps", "--other", str(toy.model)]
    command = ["inspect", "model", str(toy.model), *options, "--page", str(page), "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert set(told["says"]) - set(EVERY) == set()
    assert told["page"] == str(page)
    assert told["tuning"]["cka"] == pytest.approx([1.0] * 3, abs=1e-6)
    assert told["labels"]["right"][0] == 1  # each step has a visual word of its own
    read = read_page(page)
    assert [section["title"] for section in json.loads(read.scripts[0])["sections"]]
    assert not [tag for tag, given in read.tags if {"src", "href"} & set(given)]


def test_a_task_is_compared_with_the_model_that_it_was_taught(toy: ToyWork, tmp_path: Path) -> None:
    import_steps(toy.work, tmp_path / "steps.csv")
    own = {"task": (CLASSIFY,), "annotations": "steps", "train": "top:1"}
    finetune_tasks(toy.model, toy.work, FinetuneOptions(**own, epochs=2, learning_rate=1e-2))
    report = inspect_model(toy.model, toy.work, other=task_folder(toy.model, CLASSIFY))
    assert report.tuning is not None
    assert report.tuning.cosine[:2] == pytest.approx([1.0] * 2, abs=1e-6)
    assert report.tuning.cosine[2] < 0.999


def test_what_is_left_out_has_a_reason(toy: ToyWork) -> None:
    report = inspect_model(toy.model, toy.work)
    assert report.labels is None
    assert "--annotations" in report.sentences["labels"]
    assert "--other" in report.sentences["tuning"]
    assert set(report.sentences) == set(EVERY)
