"""Which of two stretches comes first (compare ALBERT's sentence order, Lan et al., 2020, 3.1).

    [CLS] text [>] visual words [>] text [>] visual words [SEP]

The second stretch follows the first in its video, or comes before it, or is of another video, each
a third of the time. Every second pair has its text alone, which tells how much of the answer the
words give away. Nothing is hidden there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from videobert.data.corpus import NOBODY, Corpus
from workfolder.errors import InputError

NEXT, PREVIOUS, ELSEWHERE = TURNS = (0, 1, 2)
"""What the second stretch is to the first."""


@dataclass(frozen=True)
class Turns:
    """Draws pairs of stretches.

    Attributes:
        corpus: all examples.
        members: bool [examples], those to draw from.
    """

    corpus: Corpus
    members: np.ndarray

    @cached_property
    def pool(self) -> np.ndarray:
        """Examples that are followed by another, both with speech and pictures, ascending."""
        whole = self.corpus.spoken & self.corpus.seen & self.members
        followed = whole & (self.corpus.following != NOBODY)
        followed[followed] = whole[self.corpus.following[followed]]
        return np.flatnonzero(followed)

    @property
    def enough(self) -> bool:
        """Whether there are two videos, as a pair may be of two."""
        return len(np.unique(self.corpus.video[self.pool])) > 1

    def check(self) -> None:
        """Check that there are two videos.

        Raises:
            InputError: if there are not.
        """
        if not self.enough:
            raise InputError(
                "fewer than two videos have stretches with speech that follow each other: give "
                "--order-weight 0, or other videos"
            )

    def draw(self, example: int, turn: int, rng: np.random.Generator) -> tuple[int, int]:
        """Return a pair of which an example of the pool is one, in their order in the sequence."""
        following = int(self.corpus.following[example])
        if turn == NEXT:
            return example, following
        if turn == PREVIOUS:
            return following, example
        others = self.pool[self.corpus.video[self.pool] != self.corpus.video[example]]
        return example, int(rng.choice(others))


class TurnHead(nn.Module):
    """Tells the turn from [CLS], as BERT's next-sentence head does; thrown away after training."""

    def __init__(self, width: int, deviation: float) -> None:
        """Draw the first weights.

        Args:
            width: of the model's states.
            deviation: standard deviation of its first weights.
        """
        super().__init__()
        self.dense, self.classifier = nn.Linear(width, width), nn.Linear(width, len(TURNS))
        for layer in (self.dense, self.classifier):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)

    def forward(self, firsts: torch.Tensor) -> torch.Tensor:
        """Make the logits of TURNS, [n, 3], of states at [CLS], [n, width]."""
        logits: torch.Tensor = self.classifier(torch.tanh(self.dense(firsts)))
        return logits
