"""A work folder of toy examples, and training runs on it in processes of their own, which can die at any call."""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa

from tests.videobert.toy import toy_codebook
from tokenization.schema import EXAMPLES
from videobert.pretraining.options import PretrainOptions
from workfolder.files import write_table
from workfolder.stage import Stage

VERBS = "chop boil fry wash peel grate".split()
NOUNS = "carrot egg onion pan apple cheese leek bread rice fish".split()
TINY = PretrainOptions(
    init="none", size="tiny", steps=24, batch_size=12, max_length=48, learning_rate=2e-3, warmup=0.1, join_probability=0.3,
    validation_share=0.3, validate_every=10, checkpoint_every=5,
)  # fmt: skip
"""24 steps of two layers; three of ten videos are kept apart."""
PATIENCE = 60.0
"""Seconds."""
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    ["videobert.pretraining.loop"]
)  # so that each run does not import torch


def make_work(folder: Path, videos: int = 10, spoken: bool = True) -> Path:
    """DIR/codebook and DIR/examples: video v works on noun v with all verbs, and shows visual word v mod 9."""
    rng, codebook = np.random.default_rng(0), toy_codebook()
    codebook.save(folder / "codebook")
    stage = Stage(folder / "examples")
    stage.claim({"codebook": codebook.digest})
    for video in range(videos):
        rows = []
        for place, verb in enumerate([*VERBS, ""]):
            text = f"{verb} the {NOUNS[video]}" if verb and spoken else ""
            visual = [video % 9, *rng.integers(9, size=3 + place).tolist()]
            rows.append(
                {
                    "video_id": f"v{video}",
                    "start": 9.0 * place,
                    "end": 9.0 * place + 6,
                    "text": text,
                    "visual": visual,
                }
            )
        write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), stage.path(f"v{video}"))
    return folder


@dataclass(frozen=True)
class Death:
    """A process kills itself where it would call ``function``, a dotted name, for the ``call``-th time."""

    function: str
    call: int = 1


def run(
    work: Path, out: Path, options: PretrainOptions, death: Death | None = None, processes: int = 1
) -> list[int | None]:
    """Exit statuses of a run's processes. Where one fails the others are killed, as torchrun does; so are those that hang."""
    started = start(work, out, options, death, processes)
    connection.wait([process.sentinel for process in started], PATIENCE)
    for process in started:
        process.join(PATIENCE if any(other.exitcode == 0 for other in started) else 0)
        process.kill()
        process.join()
    return [process.exitcode for process in started]


def start(
    work: Path, out: Path, options: PretrainOptions, death: Death | None = None, processes: int = 1
) -> list[BaseProcess]:
    """A run's processes; only the first dies."""
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
        given = (work, out, options, None if rank else death, several if processes > 1 else {})
        started.append(FORKSERVER.Process(target=_train, args=given, daemon=True))
        started[-1].start()
    return started


def _train(
    work: Path,
    out: Path,
    options: PretrainOptions,
    death: Death | None,
    environment: dict[str, Any],
) -> None:
    import torch

    from videobert.pretraining.loop import pretrain

    torch.set_num_threads(1)
    os.environ.update({name: str(value) for name, value in environment.items()})
    if death:
        mock.patch(
            death.function, _deadly(pkgutil.resolve_name(death.function), death.call)
        ).start()
    pretrain(work, out, options)
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
