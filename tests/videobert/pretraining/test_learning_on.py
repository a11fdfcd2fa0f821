"""A VideoBERT that learns on: killed again and again, and typed as a user types it."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.toys.command_line import Run
from tests.toys.training_processes import TINY, Death, run
from tests.toys.work_folder import make_work
from videobert.bank import Bank

KILLED = -signal.SIGKILL
UPDATE = "videobert.learning.trainer.Trainer.update"
DEATHS = (
    Death(UPDATE, 3),
    Death("videobert.learning.checkpoints.save_file", 1),
    Death(UPDATE, 9),
    Death("videobert.learning.checkpoints.write_json", 2),
    Death("videobert.pretraining.loop.draw_losses"),
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("toy") / "work")


@pytest.fixture(scope="module")
def model(work: Path) -> Path:
    assert run(work, work.parent / "model", replace(TINY, steps=6)) == [0]
    return work.parent / "model"


def test_killed_five_times_it_ends_in_the_same_bytes(
    work: Path, model: Path, tmp_path: Path
) -> None:
    options = replace(TINY, init=str(model))
    assert run(work, tmp_path / "whole", options) == [0]
    for death in DEATHS:
        assert run(work, tmp_path / "more", options, death) == [KILLED]
    assert run(work, tmp_path / "more", options) == [0]
    for name in ("model.safetensors", "history.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "more" / name).read_bytes()


def test_as_a_user_types_it(work: Path, model: Path, tmp_path: Path, videobert: Run) -> None:
    """A rate of 0 changes nothing, so it is this model that learns on; its length is taken."""
    command = ["pretrain", "--init", model, "--work", work, "--out", tmp_path / "more"]
    found = videobert(*command, "--steps", 3, "--batch-size", 12, "--learning-rate", 0)
    assert found.status == 0, found.err
    before, after = (load_file(each / "model.safetensors") for each in (model, tmp_path / "more"))
    assert all(before[name].equal(after[name]) for name in before | after)
    assert Bank.load(tmp_path / "more") is not None
    again = videobert(*command, "--steps", 4, "--batch-size", 12)
    assert again.status == 2 and "steps was 3 and is now 4" in again.err
