"""The process that reads: what it is held to."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.toys.decoders import VIDEO
from workfolder.guard import Guards
from workfolder.options import Limits


def limits_of_the_process(path: Path) -> tuple[int, int, int]:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
    space, seconds, core = (resource.getrlimit(kind)[0] for kind in kinds)
    return space, seconds, core


def test_a_process_is_limited_while_it_reads() -> None:
    guards = Guards(Limits(seconds=20, memory=2**28))
    space, seconds, core = guards.call(limits_of_the_process, VIDEO)
    guards.close()
    assert 2**28 < space < 2**28 + 2**34  # what it had before, and 256 MB
    assert 20 + 60 <= seconds < 20 + 60 + 30 and core == 0


def test_time_without_end_is_a_limit_that_can_be_set() -> None:
    guards = Guards(Limits(seconds=float("inf")))
    assert guards.call(limits_of_the_process, VIDEO)[1] >= 10**9
    guards.close()
