"""How fast a run learns at each step, as a function of the step alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import get_scheduler

from videobert.learning.phase import Phase

RESTARTS = 4
"""Of cosine_with_restarts in a phase; transformers' own default of 1 is the plain cosine."""


class LearningRate:
    """The share of the peak rate at a step: a schedule of transformers, begun and warmed up anew in each phase."""

    def __init__(self, phases: Sequence[Phase], schedule: str, warmup: float) -> None:
        self._phases = phases
        self._factors = [
            _factor(schedule, round(warmup * phase.steps), phase.steps) for phase in phases
        ]

    def __call__(self, step: int) -> float:
        """In [0, 1]; ``step`` counts from 0 over all phases. The first step of a warm-up has 0, as in transformers."""
        for phase, factor in zip(self._phases, self._factors, strict=True):
            if step < phase.steps:
                return factor(step)
            step -= phase.steps
        raise IndexError("the phases have fewer steps")


def _factor(schedule: str, warmup: int, steps: int) -> Callable[[int], float]:
    idle = torch.optim.SGD(
        [torch.zeros(1)], lr=1.0
    )  # transformers' schedules want an optimiser to hold on to
    own = {"num_cycles": RESTARTS} if schedule == "cosine_with_restarts" else None
    scheduler = get_scheduler(schedule, idle, warmup, steps, scheduler_specific_kwargs=own)
    return scheduler.lr_lambdas[0]
