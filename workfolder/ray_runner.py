"""The videos of a job on a Ray cluster whose nodes share the disk.

Actors of Ray Data write the files themselves. Ray restarts an actor that died and repeats its block
of videos; those that are done by then are skipped.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workfolder.attempt import Attempt, Outcome
from workfolder.errors import InputError
from workfolder.sources import Source

MOST_BLOCKS = 10_000
"""A block is what is done again when an actor dies; Ray keeps books on each of them."""
CPUS = 0.25
"""What an actor asks of Ray. Small, so that --workers says how many there are, and not Ray."""


class _Actor:
    """Attempts one video after another, somewhere in the cluster."""

    def __init__(self, attempt: Attempt, folder: Path) -> None:
        if not attempt.maker.gpus:
            # Ray shows every GPU of the node to an actor that asked for none.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.chdir(folder)  # a relative path means here what it means to the user
        self._attempt = attempt

    def __call__(self, row: dict[str, Source]) -> dict[str, Outcome]:
        return {"outcome": self._attempt(row["item"])}


def ray_outcomes(attempt: Attempt, sources: Sequence[Source], workers: int) -> Iterator[Outcome]:
    """Yield what becomes of each video, as it comes.

    Args:
        attempt: what an actor does.
        workers: actors of the cluster at RAY_ADDRESS, or of this machine if that is not set.

    Raises:
        InputError: if Ray is not installed, does not answer, has no GPU for a maker that needs one,
            or cannot go on. What was finished is kept.
    """
    if not sources:
        return
    ray = _quiet_ray()
    ours = not ray.is_initialized()
    try:
        if ours:
            _check_address(os.environ.get("RAY_ADDRESS", ""))
            ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
        _check_gpus(attempt.maker.gpus, ray.cluster_resources().get("GPU", 0.0))
        rows = _dataset(ray.data, attempt, sources, workers).iter_rows()
        yield from (row["outcome"] for row in rows)
    except (ray.exceptions.RayError, ConnectionError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise InputError(
            f"--runner ray cannot go on ({reason}): see that each node has videobert and "
            f"{Path.cwd()}"
        ) from error
    finally:
        if ours:
            ray.shutdown()


def _check_address(address: str) -> None:
    """Refuse an address where nobody answers: Ray itself would try for more than eight minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    try:
        if port.isdecimal():
            socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise InputError(
            f"no Ray cluster answers at RAY_ADDRESS {address}: mend it, or unset it to use this "
            "machine"
        ) from error


def _check_gpus(needed: float, there: float) -> None:
    """Refuse a cluster without the GPU that each actor needs: Ray would wait for one for ever."""
    if needed > there:
        raise InputError(
            "no node of the Ray cluster has a GPU, which this job needs: start one that has, or "
            "choose an engine for CPUs"
        )


def _quiet_ray() -> Any:
    if find_spec("ray") is None:
        raise InputError(
            "--runner ray needs Ray: pip install 'videobert[ray]', or use --runner local"
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # a failure is reported in one line
    return ray


def _dataset(data: Any, attempt: Attempt, sources: Sequence[Source], workers: int) -> Any:
    """Return rows with outcomes, as they come. Nothing runs until they are read."""
    blocks = data.from_items(sources, override_num_blocks=min(len(sources), MOST_BLOCKS))
    pool = data.ActorPoolStrategy(size=min(workers, len(sources)), max_tasks_in_flight_per_actor=1)
    return blocks.map(
        _Actor,
        fn_constructor_args=(attempt, Path.cwd()),
        compute=pool,
        num_cpus=CPUS,
        num_gpus=attempt.maker.gpus,
    )
