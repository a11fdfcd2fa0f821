"""A tracker is told the options and the rows of a run; a missing or failing one is a line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from accelerate import Accelerator

from videobert.learning import trackers
from videobert.learning.trackers import tell, tracked
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError


class Failing:
    name = "failing"

    def log(self, *given: Any, **named: Any) -> None:
        raise ConnectionError("nobody answers")

    def finish(self) -> None:
        return


def test_trackio_has_the_rows_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("trackio", reason="needs trackio")
    import trackio.utils

    monkeypatch.setattr(trackio.utils, "TRACKIO_DIR", tmp_path)
    monkeypatch.setattr("trackio.sqlite_storage.TRACKIO_DIR", tmp_path)
    accelerator = Accelerator(cpu=True)
    made_with = {"seed": 3, "replay": Path("/home/cook/work"), "examples": {}}
    with tracked(accelerator, "trackio", made_with):
        tell(accelerator, {"step": 20, "text_loss": 2.5, "validation_text_loss": 3.0})
        tell(accelerator, {"step": 40, "text_loss": 1.5})
    assert capsys.readouterr().out == ""
    (found,) = tmp_path.glob("*.db")
    with sqlite3.connect(found) as base:
        rows = base.execute("select step, metrics from metrics order by step").fetchall()
        config = str(base.execute("select * from configs").fetchall())
    told = {step: text for step, text in rows if "text_loss" in str(text)}
    assert told.keys() == {20, 40} and "2.5" in str(told[20]) and "1.5" in str(told[40])
    assert "work" in config and "/home/cook" not in config


def test_a_tracker_that_fails_does_not_stop_a_run(caplog: pytest.LogCaptureFixture) -> None:
    accelerator = Accelerator(cpu=True)
    accelerator.trackers = [Failing()]
    tell(accelerator, {"step": 1, "loss": 1.0})
    assert "told no more: ConnectionError: nobody answers" in caplog.text
    tell(accelerator, {"step": 2, "loss": 1.0})
    assert len(caplog.records) == 1


def test_a_missing_package_is_a_line_and_none_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    missing = pytest.raises(
        InputError, match="--tracker wandb needs its package: pip install wandb"
    )
    with missing, tracked(Accelerator(cpu=True), "wandb", {}):
        raise AssertionError("the run began")
    accelerator = Accelerator(cpu=True)
    with tracked(accelerator, None, {}):
        tell(accelerator, {"step": 1})
    assert not accelerator.trackers


def test_a_tracker_is_no_part_of_what_made_a_model() -> None:
    assert PretrainOptions(tracker="trackio").noted() == PretrainOptions().noted()
    with pytest.raises(InputError, match="--tracker"):
        PretrainOptions(tracker="notebook")
