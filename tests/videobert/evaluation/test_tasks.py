from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toys.labels import QUICK, SHOWN, STEPS, Labelled, make_labelled
from videobert.evaluation.intervals import estimate, estimate_figures
from videobert.evaluation.tasks import ROWS, evaluate_task
from videobert.finetune.options import TASKS
from videobert.finetune.training import finetune_tasks
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return make_labelled(tmp_path_factory.mktemp("labelled"))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_stands_beside_what_it_must_beat(labelled: Labelled, task: str) -> None:
    table = SHOWN if task == "moments" else STEPS
    options = replace(QUICK, task=(task,), annotations=table, epochs=4)
    finetune_tasks(labelled.model, labelled.work, options)
    (found,) = evaluate_task(labelled.model, labelled.work, task)
    assert found.rows.methods == ROWS and found.videos == 3 and found.subset == "validation"
    assert set(found.rows) | set(found.left_out) == set(ROWS)
    left_out = {
        "tag": {"text_alone"},
        "moments": {"text_alone"},
        "align": {"linear_probe"},
        "choose": {"linear_probe"},
        "find": {"linear_probe"},
        "classify": set(),
    }
    assert set(found.left_out) == left_out[task]
    for row in found.rows.values():
        for figure in row.values():
            assert np.isnan(figure.value) or figure.low <= figure.value <= figure.high
    assert len(found.rows.cells()) == len(ROWS)
    again = evaluate_task(labelled.model, labelled.work, task)  # trains nothing anew
    assert again[0].rows == found.rows or task == "find"


def test_the_probe_finds_looks_that_tell_all(labelled: Labelled) -> None:
    options = replace(QUICK, task=("tag",), annotations=SHOWN, name="shown", epochs=2)
    finetune_tasks(labelled.model, labelled.work, options)
    (found,) = evaluate_task(labelled.model, labelled.work, "shown")
    assert found.rows["linear_probe"]["accuracy"].value == 1.0
    assert found.rows["prior"]["accuracy"].value == pytest.approx(0.6)  # 2 of 5 steps are shown


def test_random_weights_taught_otherwise_are_refused(labelled: Labelled, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(labelled.model, model, ignore=shutil.ignore_patterns("tasks"))
    options = replace(QUICK, epochs=1)
    finetune_tasks(model, labelled.work, options)
    finetune_tasks(model, labelled.work, replace(options, epochs=2), scratch=True)
    with pytest.raises(InputError, match=r"tag.random was taught otherwise than .*tag: delete it"):
        evaluate_task(model, labelled.work, "tag")


def test_figures_that_are_means_have_the_interval_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    hits = (rng.random(200) < 0.6).astype(float)
    found = estimate_figures(lambda marks: {"share": float(marks.mean())}, hits[:, None], groups)
    mean = estimate(hits, groups)
    assert found["share"].value == mean.value
    assert found["share"].low == pytest.approx(mean.low, abs=0.03)
    assert found["share"].high == pytest.approx(mean.high, abs=0.03)
    alone = estimate_figures(lambda marks: {"x": 1.0}, hits[:, None], np.zeros(200))
    assert (alone["x"].low, alone["x"].high) == (0.0, 1.0)
