from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from tests.toys.command_line import Run
from tests.toys.labels import Labelled, make_labelled
from videobert.cli.main import app
from videobert.data.work import read_clips
from videobert.finetune.tuned import Finder, load_to_judge
from workfolder.progress import silent

LEARNING = "--epochs 12 --batch-size 8 --learning-rate 1e-3 --max-length 24".split()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return make_labelled(tmp_path_factory.mktemp("labelled"))


def test_a_task_is_taught_measured_and_done(videobert: Run, labelled: Labelled) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    teach = ("finetune", "--task", "tag", "--task", "find", "--annotations", "steps", *LEARNING)
    made = videobert(*teach, "--name", "mine", *given)
    assert made.status == 0, made.err
    assert "mine: find learnt from " in made.out and "mine: tag learnt from 9 examples" in made.out
    again = videobert(*teach, "--name", "mine", *given)
    assert again.status == 0 and "done already, nothing to do" in again.out

    told = videobert("evaluate", "task", "mine", *given, "--json")
    tables = json.loads(told.out)
    assert [table["task"] for table in tables] == ["find", "tag"]
    assert tables[1]["rows"]["ours"]["accuracy"]["value"] > 0.5
    shown = videobert("evaluate", "task", "mine", *given)
    assert "tag: 3 examples of 3 videos, validation rows" in shown.out
    assert "text alone is left out: there is no text" in shown.out

    applied = videobert("apply", "mine", *given, "--text", "flip it", "--text", "cut the bread")
    rows = [json.loads(line) for line in applied.out.splitlines()]
    assert applied.status == 0 and len(rows) == 12
    assert {row["clip"] for row in rows} == {f"video_{n}" for n in range(12)}
    assert all(len(row["find"]) == 2 and row["tag"]["steps"] for row in rows)
    some = videobert("apply", "mine", "video_3", "video_99", *given, "--text", "flip it")
    one, other = (json.loads(line) for line in some.out.splitlines())
    assert some.status == 1 and one["find"]["text"] == "flip it" and "failure" in other


def test_labels_that_were_never_taught_can_be_asked_for(videobert: Run, labelled: Labelled) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    teach = ("finetune", "--task", "classify", "--annotations", "steps", *LEARNING)
    assert videobert(*teach, "--name", "open", "--sentence", "[MASK] it", *given).status == 0
    asked = videobert("apply", "open", "video_1", *given, "--label", "bread", "--label", "flip")
    (told,) = (json.loads(line)["classify"] for line in asked.out.splitlines())
    assert asked.status == 0 and set(told["labels"]) == {"bread", "flip"}
    assert sum(told["labels"].values()) == pytest.approx(1, abs=1e-3)
    alone = videobert("apply", "open", "video_1", *given, "--label", "bread")
    assert alone.status == 2 and "'bread' alone leaves nothing to choose" in alone.err
    assert videobert(*teach, "--name", "closed", *given).status == 0
    refused = videobert("apply", "closed", "video_1", *given, "--label", "bread", "--label", "flip")
    assert refused.status == 2 and "knows the labels that it was taught" in refused.err


def test_what_is_missing_is_said(videobert: Run, labelled: Labelled) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    assert "no task 'other'" in videobert("apply", "other", *given).err
    assert "give a CLIP, or --work" in videobert("apply", "x", "--model", labelled.model).err
    assert "one of shown, steps" in videobert("finetune", "--task", "tag", *given).err
    wrong = videobert("finetune", "--task", "tags", *given)
    assert wrong.status == 2 and "choose one of classify, align" in wrong.err
    assert wrong.err.count("\n") == 1


def test_there_are_at_most_30_options_in_five_panels() -> None:
    group = get_command(app).commands["finetune"]  # type: ignore[attr-defined]
    options = [each for each in group.commands["task"].params if each.opts[0].startswith("--")]
    panels = {getattr(each, "rich_help_panel", None) or "Options" for each in options}
    assert len(options) <= 30 and panels == {"Options", "Task", "Reading", "Learning", "Losses"}


def test_the_other_verbs_of_finetune_are_where_they_were(videobert: Run, tmp_path: Path) -> None:
    refused = videobert("finetune", "caption", "--model", tmp_path, "--work", tmp_path)
    assert refused.status == 2 and "holds no model" in refused.err


def test_search_and_locate_use_what_was_taught(videobert: Run, labelled: Labelled) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    plain = json.loads(videobert("search", "flip it", *given, "--json").out)
    teach = ("finetune", "--task", "align", "--annotations", "steps", *LEARNING)
    assert videobert(*teach, *given).status == 0
    taught = json.loads(videobert("search", "flip it", *given, "--weight", "1", "--json").out)
    assert (plain["judge"], taught["judge"]) == ("model", "tasks/align")
    whole = json.loads(
        videobert("search", "flip it", *given, "--whole-videos", "--best", "2", "--json").out
    )
    assert len(whole["videos"]) == 10 and len(whole["videos"][0]["stretches"]) == 2
    table = videobert("search", "flip it", *given, "--whole-videos").out
    assert "best stretches, seconds" in table


def test_the_alignment_head_that_was_taught_is_the_one_that_judges(
    videobert: Run, labelled: Labelled
) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    teach = ("finetune", "--task", "align", "--annotations", "steps", *LEARNING)
    assert videobert(*teach, *given).status == 0
    applied = videobert("apply", "align", "video_1", *given, "--text", "flip it")
    chance = json.loads(applied.out)["align"]["aligned"]
    model, judge, name = load_to_judge(labelled.model)
    words = read_clips(labelled.work, "video_1", model.processor.codebook).words
    odds = float(judge(model, "flip it", [words], silent)[0])
    assert name == "tasks/align" and chance == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-3)
    path = labelled.model / "tasks" / "align" / "labels.json"
    labels = json.loads(path.read_text("utf-8"))
    ranks = labels["align"]["reciprocal rank"]
    assert 0 < ranks["before"] < ranks["taught"] <= 1
    labels["align"]["reciprocal rank"] = {"before": 0.5, "taught": 0.5}
    path.write_text(json.dumps(labels), encoding="utf-8")
    assert load_to_judge(labelled.model)[2] == "model"  # it searches no better than before


def test_locate_says_when_or_that_it_is_not_shown(videobert: Run, labelled: Labelled) -> None:
    given = ("--model", labelled.model, "--work", labelled.work)
    learning = ["--epochs", "30", *LEARNING[2:]]
    teach = ("finetune", "--task", "find", "--annotations", "steps", *learning)
    assert videobert(*teach, *given).status == 0
    finder = Finder.of(labelled.model)
    clips = read_clips(labelled.work, "video_1", finder.tuned.model.processor.codebook)
    task = finder.tuned.tasks["find"]
    task.about = {**task.about, "threshold": -1e9}
    (found,) = finder("flip it", "video_1", clips)
    assert found.start < 12 and found.end > 9  # it is shown from 9 to 12 s
    task.about = {**task.about, "threshold": 1e9}
    assert finder("flip it", "video_1", clips) == []
