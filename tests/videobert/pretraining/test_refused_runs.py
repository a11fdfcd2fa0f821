"""A training that is not to begin, or cannot write, says so in one line."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import SafetensorError

from tests.toys.command_line import Run, assert_refused
from tests.toys.training_processes import (
    KILLED,
    TINY,
    TRAINING,
    Death,
    run,
    start,
    steps_of,
    training_of,
)
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.loop import pretrain
from workfolder.errors import InputError


@pytest.fixture
def running(work: Path, tmp_path: Path) -> Iterator[Path]:
    """The model's folder of a run that is in the middle of its training."""
    out = tmp_path / "model"
    (process,) = start(work, out, replace(TINY, steps=100_000))
    while not list(training_of(out).glob("step-*")):
        assert process.is_alive()
        time.sleep(0.02)
    yield out
    process.kill()
    process.join()


def test_a_second_run_on_a_folder_in_use_is_refused(work: Path, running: Path) -> None:
    with pytest.raises(InputError, match="in use by another run"):
        pretrain(work, running, replace(TINY, steps=100_000))
    assert steps_of(running)


def test_other_options_than_the_checkpoints_are_refused_with_the_difference(
    work: Path, tmp_path: Path, videobert: Run
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, Death("videobert.learning.trainer.Trainer.update", 13)) == [KILLED]
    result = videobert(
        "pretrain", "--work", work, "--out", out, *TRAINING, "--learning-rate", "1e-3"
    )
    assert_refused(result, "learning_rate was 0.002 and is now 0.001", training_of(out))
    for checkpoint in training_of(out).glob("step-*"):
        (checkpoint / "weights.safetensors").write_bytes(b"torn")
    result = videobert("pretrain", "--work", work, "--out", out, *TRAINING)
    assert_refused(result, training_of(out), "delete the folder")
    shutil.rmtree(training_of(out))
    assert videobert("pretrain", "--work", work, "--out", out, *TRAINING).status == 0


def test_a_full_disk_when_the_model_is_written_is_told(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(VideoBertForPreTraining, "save_pretrained", full)
        with pytest.raises(
            InputError, match=rf"^{tmp_path}/model cannot be written \(.*No space left"
        ):
            pretrain(work, tmp_path / "model", replace(TINY, steps=5))
    assert not (tmp_path / "model").exists() and steps_of(tmp_path / "model") == 5


@pytest.mark.parametrize("out", [".", "..", "/"])
def test_a_folder_that_is_no_model_is_refused(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match="videobert did not train it: use those, or give another --out"
    ):
        pretrain(work, Path(out), TINY)
