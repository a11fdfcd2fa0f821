"""Training runs in processes of their own, which can die at any call."""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq

from videobert.pretraining.options import PretrainOptions

TINY = PretrainOptions(
    init="none",
    size="tiny",
    steps=24,
    batch_size=12,
    max_length=48,
    learning_rate=2e-3,
    warmup=0.1,
    join_probability=0.3,
    validation_share=0.3,
    validate_every=10,
    checkpoint_every=5,
)
"""24 steps of two layers; three of ten videos are kept apart."""
KILLED = -signal.SIGKILL
SAVE = "videobert.learning.checkpoints"
TRAINING = (
    "--init none --size tiny --steps 24 --batch-size 12 --max-length 48 --learning-rate 2e-3 "
    "--warmup 0.1 --validation-share 0.3 --validate-every 10 --checkpoint-every 5"
).split()
"""TINY on the command line."""
PATIENCE = 60.0
"""Seconds."""
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "videobert.pretraining.loop",
        "videobert.finetune.captions.training",
        "videobert.finetune.training",
    ]
)
# With torch imported once, a run starts in no time.
PRETRAIN = "videobert.pretraining.loop.pretrain"


@dataclass(frozen=True)
class Death:
    """Kills a process where it would call ``function``, a dotted name, for the ``call``-th time."""

    function: str
    call: int = 1


def run(
    work: Path, out: Path, options: PretrainOptions, death: Death | None = None, processes: int = 1
) -> list[int | None]:
    """Return the exit statuses of a run's processes.

    Where one fails, the others are killed, as torchrun does. Processes that hang are killed, too.
    """
    return finished(start(work, out, options, death, processes))


def finished(started: list[BaseProcess]) -> list[int | None]:
    """Return the exit statuses of processes; where one fails, the others are killed."""
    connection.wait([process.sentinel for process in started], PATIENCE)
    for process in started:
        process.join(PATIENCE if any(other.exitcode == 0 for other in started) else 0)
        process.kill()
        process.join()
    return [process.exitcode for process in started]


def start(
    work: Path, out: Path, options: PretrainOptions, death: Death | None = None, processes: int = 1
) -> list[BaseProcess]:
    """Start a run's processes, of which only the first dies."""
    return start_calls(PRETRAIN, (work, out, options), death, processes)


def start_calls(
    function: str, arguments: tuple[Any, ...], death: Death | None = None, processes: int = 1
) -> list[BaseProcess]:
    """Start processes that call a function together, of which only the first dies."""
    port = _free_port()
    started: list[BaseProcess] = []
    for rank in range(processes):
        several = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": processes,
            "LOCAL_WORLD_SIZE": processes,
        }
        several |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        given = (function, arguments, None if rank else death)
        environment = several if processes > 1 else {}
        started.append(FORKSERVER.Process(target=_call, args=(*given, environment), daemon=True))
        started[-1].start()
    return started


def call_and_die(
    function: str, arguments: tuple[Any, ...], death: Death | None = None
) -> int | None:
    """Return the exit status of a process that calls a function, a dotted name."""
    process = FORKSERVER.Process(target=_call, args=(function, arguments, death, {}), daemon=True)
    process.start()
    process.join(PATIENCE)
    process.kill()
    process.join()
    return process.exitcode


def assert_same_bytes_when_killed(
    function: str, arguments: tuple[Any, ...], call: int, *made: Path
) -> None:
    """Assert that a run which is killed and started again ends as one that nobody disturbed.

    Args:
        function: what runs, a dotted name.
        arguments: its own.
        call: the update at which it is killed.
        made: the files and folders that it makes, and only at its end.
    """
    death = Death("videobert.learning.trainer.Trainer.update", call)
    assert call_and_die(function, arguments, death) == -signal.SIGKILL
    assert not any(path.exists() for path in made)
    ends = []
    for _ in range(2):
        assert call_and_die(function, arguments) == 0
        ends.append([_taken(path) for path in made])
    assert ends[0] == ends[1] and all(ends[0])


def _taken(path: Path) -> dict[str, bytes]:
    """Read what a run made, TensorBoard's files apart, and take it away."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    kept = {
        str(each.relative_to(path)): each.read_bytes()
        for each in files
        if "tfevents" not in each.name
    }
    path.unlink() if path.is_file() else shutil.rmtree(path)
    return kept


def _call(
    function: str, arguments: tuple[Any, ...], death: Death | None, environment: dict[str, Any]
) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ.update({name: str(value) for name, value in environment.items()})
    called = pkgutil.resolve_name(function)
    if death:
        mock.patch(
            death.function, _deadly(pkgutil.resolve_name(death.function), death.call)
        ).start()
    called(*arguments)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _deadly(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    left = [call]

    def deadly(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return deadly


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def assert_same_run(one: Path, other: Path) -> None:
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert (
        pq.read_table(one / "history.parquet").to_pylist()
        == pq.read_table(other / "history.parquet").to_pylist()
    )


def training_of(out: Path) -> Path:
    return out.with_name(out.name + ".training")


def steps_of(out: Path) -> int:
    """How many steps the last checkpoint has behind it; 0 where there is none."""
    return max(
        (int(path.name.removeprefix("step-")) for path in training_of(out).glob("step-*")),
        default=0,
    )
