"""Which pictures a sentence may be mismatched with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.data.corpus import Corpus
from workfolder.errors import InputError

TRIES = 16
"""Draws before all examples are searched. In a large corpus the first draw nearly always does."""


@dataclass(frozen=True)
class Negatives:
    """The examples whose pictures do not belong to a sentence.

    A negative has another sentence. It is of another video, or at least ``margin`` seconds away.
    Both hold for the neighbours, too, that either example may be joined with.

    Attributes:
        corpus: all examples.
        pool: indices of the examples to draw from.
        margin: seconds.
    """

    corpus: Corpus
    pool: np.ndarray
    margin: float

    def draw(self, example: int, rng: np.random.Generator) -> int:
        """Draw a negative for an example.

        Raises:
            InputError: if there is none.
        """
        for candidate in rng.choice(self.pool, size=TRIES):
            if self.mismatched(example, candidate):
                return int(candidate)
        others = [candidate for candidate in self.pool if self.mismatched(example, candidate)]
        if not others:
            raise InputError(self._why_none(example))
        return int(rng.choice(others))

    def lacking(self) -> int | None:
        """Return the first example of the pool that has no negative, None if each has one."""
        # Most examples find theirs at once in the other half.
        others = self.pool[len(self.pool) // 2 :].tolist() + self.pool.tolist()
        for example in self.pool.tolist():
            if not any(self.mismatched(example, other) for other in others):
                return int(example)
        return None

    def check(self) -> None:
        """Check that every example of the pool has a negative.

        Raises:
            InputError: if one has none.
        """
        lacking = self.lacking()
        if lacking is not None:
            raise InputError(self._why_none(lacking))

    def _why_none(self, example: int) -> str:
        """Say why an example has no negative, and what helps."""
        start, text = self.corpus.start[example], "nothing can be mismatched with the sentence at"
        others = self.pool[self.corpus.video[self.pool] != self.corpus.video[example]]
        if not len(others):
            return (
                f"{text} {start:.1f} s of the only video: give more videos, a lower "
                "--negative-margin, or --joint-weight 0"
            )
        return (
            f"{text} {start:.1f} s of a video, as every other video says it, or its neighbour, "
            "too: give videos that say other things, or --joint-weight 0"
        )

    def mismatched(self, example: int, other: int) -> bool:
        """Tell whether the pictures of ``other`` do not belong to the sentence of ``example``."""
        corpus = self.corpus
        mine, theirs = corpus.with_following(example), corpus.with_following(int(other))
        if {corpus.sentence[i] for i in mine} & {corpus.sentence[j] for j in theirs}:
            return False
        if corpus.video[example] != corpus.video[other]:
            return True
        gap = max(
            min(corpus.start[i] for i in theirs) - max(corpus.end[i] for i in mine),
            min(corpus.start[i] for i in mine) - max(corpus.end[i] for i in theirs),
        )
        return bool(gap >= self.margin)
