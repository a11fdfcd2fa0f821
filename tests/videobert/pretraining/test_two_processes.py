"""A training of two processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from tests.toys.training_processes import (
    KILLED,
    SAVE,
    TINY,
    TRAINING,
    Death,
    assert_same_run,
    run,
    training_of,
)


@pytest.fixture(scope="module")
def whole_of_two(work: Path) -> Path:
    """The same of two processes."""
    out = work.parent / "whole_of_two"
    assert run(work, out, TINY, processes=2) == [0, 0]
    return out


def test_two_processes_give_the_curve_of_one(work: Path, tmp_path: Path) -> None:
    options = replace(TINY, dropout=0.0, learning_rate=1e-3)
    assert run(work, tmp_path / "one", options) == [0] and run(
        work, tmp_path / "two", options, processes=2
    ) == [0, 0]
    one, two = (
        pq.read_table(tmp_path / name / "history.parquet").to_pylist() for name in ("one", "two")
    )
    assert len(one) == len(two) == 3
    for mine, theirs in zip(one, two, strict=True):
        losses = [name for name in mine if name.endswith("loss") and mine[name] is not None]
        assert {name: mine[name] for name in losses} == pytest.approx(
            {name: theirs[name] for name in losses}, rel=1e-6
        )
        assert mine["tokens"] == theirs["tokens"]


def test_two_processes_with_dropout_are_one_that_accumulates(
    work: Path, whole_of_two: Path, tmp_path: Path
) -> None:
    """Parts of a batch draw by their number, whoever computes them."""
    assert run(work, tmp_path / "model", replace(TINY, accumulate=2)) == [0]
    one, two = (
        pq.read_table(folder / "history.parquet").to_pylist()[1]
        for folder in (tmp_path / "model", whole_of_two)
    )
    assert one["masked_joint_loss"] == pytest.approx(two["masked_joint_loss"], rel=1e-4)


@pytest.mark.parametrize(
    "death",
    [
        Death("videobert.learning.trainer.Trainer.update", 13),
        Death(f"{SAVE}.write_json", 2),
        Death("videobert.pretraining.loop.draw_losses"),
    ],
    ids=lambda death: death.function.rpartition(".")[2],
)
def test_two_processes_killed_and_started_again_end_with_the_same_model(
    work: Path, whole_of_two: Path, tmp_path: Path, death: Death
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, death, processes=2)[0] == KILLED and not out.exists()
    assert run(work, out, TINY, processes=2) == [0, 0]
    assert_same_run(whole_of_two, out)


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16"},
        {"accumulate": 2},
        {"validation_share": 0.0},
        {"alignment_weight": 0.0, "boundary": True},
        {"batch_size": 9},
        {"batch_size": 66},
    ],
    ids=str,
)
def test_two_processes_can_do_what_one_can(
    work: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    """Batches of 9 make seven to validate on, an unequal share; batches of 66 make one."""
    assert run(work, tmp_path / "model", replace(TINY, **changes), processes=2) == [0, 0]
    assert all(
        weight.isfinite().all()
        for weight in load_file(tmp_path / "model" / "model.safetensors").values()
    )


@pytest.mark.slow
def test_under_torchrun_as_a_user_types_it(work: Path, whole_of_two: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "videobert",
    ]
    command = [*launcher, "pretrain", "--work", str(work), "--out", str(out), *TRAINING]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not list(training_of(out).glob("step-*")) and process.poll() is None:
        time.sleep(0.01)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    process.communicate()
    assert process.returncode and not out.exists()
    again = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert again.returncode == 0, again.stderr
    assert_same_run(whole_of_two, out)
