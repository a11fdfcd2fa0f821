"""Random draws as functions of the seed and the step.

A run that goes on after a stop draws what it would have drawn, so a checkpoint holds no state of
a generator.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def seed_torch(*numbers: int) -> None:
    """Seed the draws of torch, dropout's among them, by the run's seed, the step and so on."""
    import torch

    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


@dataclass(frozen=True)
class Epochs:
    """Draws batches of items: each item once an epoch, in an order drawn anew for each epoch.

    A batch that reaches the end of an epoch goes on into the next one.

    Attributes:
        size: how many items there are; they are numbered from 0.
        batch_size: items in a batch.
        seeds: what the orders follow from, the run's seed first.
    """

    size: int
    batch_size: int
    seeds: tuple[int, ...]
    _orders: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @property
    def steps(self) -> int:
        """The number of batches after which each item was drawn at least once."""
        return -(-self.size // self.batch_size)

    def batch(self, step: int) -> np.ndarray:
        """Return the items of a batch, int64 [batch_size]; none if there are no items."""
        if not self.size:
            return np.empty(0, dtype=np.int64)
        epochs, places = np.divmod(self._draws(step), self.size)
        drawn = [self._order(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs)]
        return np.concatenate([np.empty(0, dtype=np.int64), *drawn])

    def epochs(self, step: int) -> np.ndarray:
        """Return the epoch of each item of a batch, int64 [batch_size]."""
        return self._draws(step) // self.size

    def _draws(self, step: int) -> np.ndarray:
        return step * self.batch_size + np.arange(self.batch_size)

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders.pop(epoch - 2, None)  # a batch needs the last epoch and this one
            rng = np.random.default_rng([*self.seeds, int(epoch)])
            self._orders[epoch] = rng.permutation(self.size)
        return self._orders[epoch]
