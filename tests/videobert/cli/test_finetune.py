from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.toys.street import Street
from tests.toys.videos import coloured_recipe
from videobert.cli.main import app
from workfolder.errors import InputError

Ask = Callable[..., Result]
QUICK = "--features s3d --layers 1 --width 64 --dropout 0 --batch-size 8 --steps 60 --validate-every 20".split()


@pytest.fixture
def ask() -> Ask:
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def mine(street: Street, tmp_path_factory: pytest.TempPathFactory) -> Street:
    """A model's folder of one's own, in which a captioner can be put."""
    folder = tmp_path_factory.mktemp("captioned") / "model"
    shutil.copytree(street.model, folder)
    return Street(street.videos, street.work, folder)


def assert_refused(result: Result, *parts: object) -> None:
    assert isinstance(result.exception, InputError), result
    for part in parts:
        assert str(part) in str(result.exception)


def test_a_captioner_is_learnt_asked_and_measured(mine: Street, tmp_path: Path, ask: Ask) -> None:
    clip = coloured_recipe(tmp_path / "new.mp4", ["red"], spoken=False)
    assert_refused(
        ask("caption", clip, "--model", mine.model),
        "no captioner yet: run videobert finetune caption",
    )
    made = ask("finetune", "caption", "--model", mine.model, "--work", mine.work, *QUICK)
    assert (
        made.exit_code == 0
        and "learnt from 10 segments" in made.stdout
        and "of 60 was best, validation loss" in made.stdout
    )
    again = ask("finetune", "caption", "--model", mine.model, "--work", mine.work, *QUICK)
    assert again.stdout == "captioner: done already, nothing to do\n"

    said = ask("caption", clip, "--model", mine.model)
    assert (
        said.exit_code == 0
        and said.stdout.startswith("now we paint the ")
        and said.stdout.endswith(" square\n")
    )
    answer = json.loads(
        ask("caption", clip, "--model", mine.model, "--beam", 1, "--start", 1, "--json").stdout
    )
    assert (
        answer["start"] == 1.5
        and answer["beam"] == 1
        and answer["features"] == "s3d"
        and answer["score"] < 0
    )

    table = ask("evaluate", "caption", "--model", mine.model, "--work", mine.work)
    assert table.exit_code == 0 and all(
        name in table.stdout
        for name in (
            "BLEU-1",
            "BLEU-2",
            "BLEU-3",
            "BLEU-4",
            "METEOR",
            "ROUGE-L",
            "CIDEr-D, 0 to 10",
        )
    )
    found = json.loads(
        ask("evaluate", "caption", "--model", mine.model, "--work", mine.work, "--json").stdout
    )
    assert found["segments"] == len(found["pairs"]) == 10 and found["scores"]["BLEU-3"] > 0.5
    assert (found["scores"]["METEOR"] is None) == bool(found["why_no_meteor"])


def test_segments_and_videos_that_are_not_there_are_counted(
    mine: Street, tmp_path: Path, ask: Ask
) -> None:
    rows = [
        {"segment": [0, 4], "sentence": "paint it"},
        {"segment": [80, 90], "sentence": "dry it"},
    ]
    about = {
        subset: {"subset": subset, "annotations": rows} for subset in ("training", "validation")
    }
    database = {
        "recipe_0": about["training"],
        "recipe_1": about["training"],
        "elsewhere_1": about["training"],
    }
    annotations = tmp_path / "annotations.json"
    annotations.write_text(json.dumps({"database": database | {"recipe_2": about["validation"]}}))
    shutil.copytree(mine.model, tmp_path / "model", ignore=shutil.ignore_patterns("captioner"))
    arguments = ("--model", tmp_path / "model", "--work", mine.work, "--annotations", annotations)
    made = ask("finetune", "caption", *arguments, *QUICK)
    assert "learnt from 2 segments" in made.stdout and "2 segments have no clip" in made.stdout
    assert "missing videos, 1: elsewhere_1" in made.stdout
    measured = ask("evaluate", "caption", *arguments).stdout
    assert "1 segments have no clip" in measured and "transcript alone" in measured
    found = json.loads(ask("evaluate", "caption", *arguments, "--json").stdout)
    assert found["transcript"]["BLEU-1"] < 1


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("finetune caption --model {model} --work {empty}", "run videobert tokenize --work"),
        ("finetune caption --model {empty} --work {work}", "holds no model"),
        (
            "finetune caption --model {model} --work {work} --features sound",
            "choose one of s3d, video",
        ),
        (
            "finetune caption --model {model} --work {work} --learning-rate nan",
            "--learning-rate nan will not do",
        ),
        (
            "finetune caption --model {model} --work {work} --annotations {empty}/none.json",
            "none.json cannot be read",
        ),
        ("evaluate caption --model {bare} --work {work}", "has no captioner yet"),
        ("caption {empty}/none.mp4 --model {bare}", "has no captioner yet"),
    ],
)
def test_what_cannot_be_used_has_a_clear_line(
    street: Street, tmp_path: Path, ask: Ask, command: str, part: str
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(street.model, tmp_path / "model")
    places = {
        "model": tmp_path / "model",
        "bare": street.model,
        "empty": tmp_path / "empty",
        "work": street.work,
    }
    assert_refused(ask(*command.format(**places).split()), part)
    assert not (tmp_path / "model" / "captioner").exists()
