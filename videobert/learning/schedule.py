"""How fast a run learns at each step, as a function of the step alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workfolder.options import Options, option

RESTARTS = 4
"""Restarts of cosine_with_restarts in a phase. transformers' own 1 is the plain cosine."""


SHORTEST, SMALLEST = 8, 2
"""The least ids that a sequence must be allowed to have, and the least sequences in a batch."""


@dataclass(frozen=True)
class Phase(Options):
    """A stretch of training with a length, a batch and a warm-up of its own."""

    max_length: int = option(help="Tokens in a sequence at most.", least=SHORTEST)
    batch_size: int = option(help="Sequences in an update.", least=SMALLEST)
    steps: int = option(help="Updates of the weights.", least=1)
    layers: int | None = option(None, "Layers of the model, where it grows.", least=1)


class LearningRate:
    """The share of the peak rate at a step.

    A schedule of transformers begins and warms up anew in each phase.

    Args:
        steps: the updates of each phase.
        schedule: its name in transformers.
        warmup: the share of a phase's steps in which the rate rises.
    """

    def __init__(self, steps: Sequence[int], schedule: str, warmup: float) -> None:
        self._phases = [(n, _factor(schedule, round(warmup * n), n)) for n in steps]

    def __call__(self, step: int) -> float:
        """Return the share, in [0, 1]; the first step of a warm-up has 0, as in transformers.

        Args:
            step: counted from 0 over all phases.
        """
        for steps, factor in self._phases:
            if step < steps:
                return factor(step)
            step -= steps
        raise IndexError("the phases have fewer steps")


def _factor(schedule: str, warmup: int, steps: int) -> Callable[[int], float]:
    import torch
    from transformers import get_scheduler

    idle = torch.optim.SGD([torch.zeros(1)], lr=1.0)  # get_scheduler wants an optimiser
    own = {"num_cycles": RESTARTS} if schedule == "cosine_with_restarts" else None
    scheduler = get_scheduler(schedule, idle, warmup, steps, scheduler_specific_kwargs=own)
    return scheduler.lr_lambdas[0]
