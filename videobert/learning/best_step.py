"""Remembers the weights of the best step so far, and tells when learning no longer pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

BEST = "best/"
"""Begins the names of the best weights in a checkpoint."""


class Watch:
    """Compares the validations of a run.

    Attributes:
        best_step: the step of the lowest loss so far, 0 before the first validation.
        best_weights: the weights then, by name.
    """

    def __init__(self, patience: int) -> None:
        """Store how many validations in a row may bring nothing better."""
        self.best_step = 0
        self.best_weights: dict[str, torch.Tensor] = {}
        self._patience = patience
        self._best_loss = float("inf")
        self._worse = 0

    def look(self, step: int, loss: float | None, weights: Mapping[str, torch.Tensor]) -> None:
        """Compare one validation; without a loss the last weights count as the best.

        Args:
            step: after which it was made.
            loss: a mean in nats, None if nothing is kept apart to validate on.
            weights: copied if they are the best so far.
        """
        if loss is None or loss < self._best_loss:
            self.best_step, self._worse = step, 0
            self._best_loss = self._best_loss if loss is None else loss
            self.best_weights = {name: value.detach().clone() for name, value in weights.items()}
        else:
            self._worse += 1

    @property
    def hopeless(self) -> bool:
        """Whether too many validations in a row brought nothing better."""
        return self._worse >= self._patience

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the tensors that a checkpoint keeps."""
        return {BEST + name: tensor for name, tensor in self.best_weights.items()}

    def state(self) -> dict[str, Any]:
        """Return the figures that a checkpoint keeps."""
        return {"best_step": self.best_step, "best_loss": self._best_loss, "worse": self._worse}

    def load_state(self, state: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what ``state`` and ``tensors`` returned."""
        self.best_step, self._best_loss = state["best_step"], state["best_loss"]
        self._worse = state["worse"]
        self.best_weights = {
            name.removeprefix(BEST): tensor
            for name, tensor in tensors.items()
            if name.startswith(BEST)
        }
