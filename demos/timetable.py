"""How long the steps of the demo take on this machine, and how much of that is left."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from statistics import median

import numpy as np

SIDE, PRODUCTS, TRIES = 512, 12, 7
"""The work by which machines are compared: products of square matrices, and how often."""
REFERENCE = 0.0135
"""Seconds that the work takes on two quiet cores of an AMD EPYC with AVX-512."""
SURE = 20.0
"""Expected seconds that have to be done before their real seconds tell the speed."""


def slowness() -> float:
    """Measure how many times as long as the reference this machine takes, within a second."""
    matrix = np.full((SIDE, SIDE), 1.0, np.float32)
    seconds = []
    for _ in range(TRIES):
        began = time.perf_counter()
        for _ in range(PRODUCTS):
            matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return median(seconds) / REFERENCE


class Timetable:
    """Tells what is left, first by the machine's measured speed, then by the steps so far.

    Attributes:
        steps: how many there are.
    """

    def __init__(self, seconds: Sequence[float], slowness: float) -> None:
        """Make a timetable.

        Args:
            seconds: what each step takes on the reference machine.
            slowness: how many times as long this machine takes.
        """
        self.steps = len(seconds)
        self._expected = list(seconds)
        self._slowness = slowness
        self._taken: list[float] = []

    def done(self, seconds: float) -> None:
        """Note how long the next step really took."""
        self._taken.append(seconds)

    @property
    def left(self) -> float:
        """Seconds that the other steps will take."""
        expected = sum(self._expected[: len(self._taken)])
        known = expected >= SURE
        pace = sum(self._taken) / expected if known else self._slowness
        return pace * sum(self._expected[len(self._taken) :])


def spelled(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 50:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minute{'s' * (minutes != 1)}"


def cores() -> str:
    """The cores of this machine as people say it."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{count or 1} core{'s' * (count != 1)}"
