"""What was taught of whole videos, as the page shows it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.toys.labels import LABELS, QUICK, STEPS, Labelled, make_labelled
from videobert.data.work import read_clips
from videobert.finetune.training import finetune_tasks
from videobert.loading import load_model
from videobert.page import parts
from videobert.page.whole import Whole


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return make_labelled(tmp_path_factory.mktemp("labelled"))


def test_steps_stand_above_what_is_true(labelled: Labelled) -> None:
    options = replace(QUICK, name="my-steps", epochs=40)
    finetune_tasks(labelled.model, labelled.work, options, scratch=True)
    assert Whole(labelled.model, labelled.work).tags is None  # a control is not shown
    finetune_tasks(labelled.model, labelled.work, options)
    whole = Whole(labelled.model, labelled.work)
    assert whole.tags == "my-steps" and not whole.finds
    clips = read_clips(labelled.work, "video_4", load_model(labelled.model).processor.codebook)
    truth = whole.truth("video_4")
    assert {label for _, _, label in truth} == set(LABELS) - {LABELS[4]}
    found = whole.steps("video_4", clips)
    right = set(truth) & set(found)
    assert len(right) >= 3
    assert whole.truth("unknown") == whole.truth(None) == []
    assert Whole(labelled.model, None).truth("video_4") == []


def test_a_text_is_found_or_it_is_said_that_it_is_not(labelled: Labelled, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(labelled.model, model, ignore=shutil.ignore_patterns("tasks"))
    finetune_tasks(model, labelled.work, replace(QUICK, task=("find",), annotations=STEPS))
    whole = Whole(model, labelled.work)
    assert whole.finds and whole.tags is None
    clips = read_clips(labelled.work, "video_4", load_model(model).processor.codebook)
    said, found = whole.found("video_4", clips, "flip it")
    assert bool(found) != (said == "It is not shown.")
    task = whole.finder.tasks["find"]
    task.about = {**task.about, "threshold": 1e9}
    assert whole.found("video_4", clips, "flip it") == ("It is not shown.", [])


def test_a_label_has_one_colour_in_all_strips_and_is_no_markup() -> None:
    rows = [("the model", [(0.0, 2.0, "cut"), (2.0, 8.0, "<b>")]), ("really", [(1.0, 2.0, "cut")])]
    markup = parts.strips(rows, 8.0)
    style = r'left:([\d.]+)%;width:([\d.]+)%;background:(\S+ \S+ \S+)" title="([^"]+)"'
    found = re.findall(style, markup)
    assert [(left, wide) for left, wide, *_ in found] == [
        ("0.00", "25.00"),
        ("25.00", "75.00"),
        ("12.50", "12.50"),
    ]
    assert found[0][2] == found[2][2] != found[1][2]
    assert "<b>" not in markup and found[1][3] == "&lt;b&gt;, 2.0 to 8.0 s"
