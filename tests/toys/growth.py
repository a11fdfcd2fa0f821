"""How the time of a call grows with the size of its input."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 16
MOST = 100
"""Linear growth is 16 times, quadratic 256. A busy machine was seen to make 42 of linear."""
TICK = 0.005
"""Seconds; what takes less is not told from nothing."""


def assert_not_quadratic(work: Callable[[int], object], size: int) -> None:
    """Fail if ``work(16 * size)`` takes far more than 16 times as long as ``work(size)``.

    The processor's time counts, because other programs wait for the same processor.
    """
    small, large = (min(_seconds(work, n) for _ in range(3)) for n in (size, TIMES * size))
    assert large < MOST * max(small, TICK), f"{large:.3f} s, after {small:.3f} s for a 16th of it"


def _seconds(work: Callable[[int], object], size: int) -> float:
    begin = time.process_time()
    work(size)
    return time.process_time() - begin
