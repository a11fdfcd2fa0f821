"""One phase of a training run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A stretch of training with a length, a batch and a warm-up of its own.

    Attributes:
        max_length: ids in a sequence at most.
        batch_size: sequences in an update.
        steps: updates.
    """

    max_length: int
    batch_size: int
    steps: int
