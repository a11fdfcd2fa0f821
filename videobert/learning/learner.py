"""What can be trained, and how: the two things that a ``Trainer`` is given."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeVar

import numpy as np
import torch


@dataclass(frozen=True)
class Recipe:
    """How a run learns.

    Attributes:
        steps: updates of each phase.
        batch_size: sequences in the smallest batch.
        learning_rate: the peak.
        schedule: as transformers names it; it begins anew in each phase.
        warmup: share of a phase's steps in which the rate rises.
        weight_decay: of matrices.
        layer_decay: a layer's rate over that of the layer above it.
        optimizer: one of OPTIMIZERS.
        precision: one of DTYPES.
        accumulate: parts of a batch that a process computes one after the other.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints.
        patience: validations without a better loss before the run ends; the weights of the best one
            are taken. None: the run ends with its last step, and the last weights are taken.
        seed: what every draw follows from.
        tracker: one of TRACKERS, which is told of the run; None: TensorBoard alone.
        layers: of the model in each phase, each as many as before or twice; empty if it stays.
    """

    steps: Sequence[int]
    batch_size: int
    learning_rate: float
    schedule: str = "linear"
    warmup: float = 0.0
    weight_decay: float = 0.0
    layer_decay: float = 1.0
    optimizer: str = "adamw"
    precision: str = "fp32"
    accumulate: int = 1
    validate_every: int = 500
    checkpoint_every: int = 500
    patience: int | None = None
    seed: int = 0
    layers: Sequence[int] = ()
    tracker: str | None = None

    def depth(self, done: int) -> tuple[int | None, int]:
        """Tell how deep the model is in the step after ``done`` steps.

        Returns:
            Its layers, None if it does not grow, and how many steps it did at this depth.
        """
        begun = list(accumulate(self.steps, initial=0))
        phase = bisect_right(begun, done) - 1
        if not self.layers:
            return None, done
        first = next(n for n in range(phase + 1) if self.layers[n] == self.layers[phase])
        return self.layers[phase], done - begun[first]


@dataclass(frozen=True)
class Score:
    """What one objective found in a part of a batch.

    Attributes:
        loss: the sum of the losses of all questions, in nats, with gradient.
        correct: how many answers were right.
    """

    loss: torch.Tensor
    correct: torch.Tensor


class Sequences(Protocol):
    """A batch."""

    @property
    def tokens(self) -> int:
        """How many ids are not padding."""

    def __len__(self) -> int:
        """How many sequences there are."""


B = TypeVar("B", bound=Sequences)


class Learner(Protocol[B]):
    """What is trained: a model, its batches, what it is asked."""

    @property
    def stage(self) -> str:
        """The name of the run for people."""

    @property
    def model(self) -> torch.nn.Module:
        """The model, in fp32."""

    @property
    def shown(self) -> Sequence[str]:
        """The objectives whose accuracies people see while it learns."""

    def batch(self, step: int) -> B:
        """Make the batch of a step: a function of data, options and step alone."""

    def validation(self) -> Iterable[B]:
        """Make the batches to validate on, possibly none."""

    def asked(self, batch: B) -> dict[str, int]:
        """Count the questions that each objective has for a batch."""

    def scores(
        self, model: torch.nn.Module, batch: B, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Run a model on the ``chosen`` sequences of a batch; the score of each objective."""

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Join the scores of a part, given the questions of the whole batch."""
