"""An adversary that disturbs what a network reads while it learns (Zhu et al., 2020, "FreeLB").

What is added to the embeddings of a row begins anywhere in a ball and climbs the loss K - 1 times;
the network learns from the mean of the K losses. Dropout is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from videobert.learning.learner import Score

STEP = 0.1
"""How far a climb goes: FreeLB's for BERT."""
RADIUS = 0.3
"""Norm of what is added to a row at most: as far as three steps go."""


def climbed(noise: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Take one step up, and come back onto the ball where that leaves it.

    Args:
        noise: [rows, length, width]; the norm is over all of a row.
        gradient: of the loss; its length does not matter.
    """
    tiny = torch.finfo(noise.dtype).tiny
    further = noise + STEP * gradient / _norm(gradient).clamp_min(tiny)
    return further * (RADIUS / _norm(further).clamp_min(tiny)).clamp(max=1)


def drawn_like(embeddings: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Draw noise within the ball, [rows, length, width]: uniform in a cube that lies in it.

    Args:
        embeddings: of the same shape.
        there: bool [rows, length], where a row is not padding; the noise is 0 elsewhere.
    """
    numbers = there.sum(dim=1)[:, None, None] * embeddings.shape[-1]
    cube = torch.empty_like(embeddings).uniform_(-1, 1) * there[..., None]
    return cube * RADIUS / numbers.sqrt()


def _norm(values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1).norm(dim=1)[:, None, None]


class Adversary:
    """Disturbs the embeddings of a network's words and visual words.

    Attributes:
        steps: K.
        noise: what is added now; None before the first loss of a part.
    """

    def __init__(self, embeddings: nn.Module, padding: int, steps: int) -> None:
        self.steps = steps
        self.noise: torch.Tensor | None = None
        self._embeddings, self._padding = embeddings, padding

    def __call__(self, ask: Callable[[int], Score]) -> Score:
        """Return the mean loss of K askings, each disturbed otherwise; right as in the first.

        Args:
            ask: runs the network on the same rows each time; it is told the number of the asking.
        """
        self.noise, scores = None, list[Score]()
        for turn in range(self.steps):
            with torch.random.fork_rng(), self._disturbing():
                scores.append(ask(turn))
            if turn + 1 < self.steps and self.noise is not None:
                (gradient,) = torch.autograd.grad(
                    scores[-1].loss, self.noise, retain_graph=True, materialize_grads=True
                )
                self.noise = climbed(self.noise, gradient).detach().requires_grad_(True)
        return Score(torch.stack([score.loss for score in scores]).mean(dim=0), scores[0].correct)

    @contextmanager
    def _disturbing(self) -> Iterator[None]:
        hook = self._embeddings.register_forward_hook(self._added)
        try:
            yield
        finally:
            hook.remove()

    def _added(self, module: nn.Module, read: Any, made: torch.Tensor) -> torch.Tensor:
        if self.noise is None:
            noise = drawn_like(made.detach(), read[0] != self._padding)
            self.noise = noise.requires_grad_(True)
        return made + self.noise
