"""Which pictures a sentence may be misaligned with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.data.corpus import Corpus
from workfolder.errors import InputError

TRIES = 16
"""Draws before all are looked through; in a large corpus the first will do nearly always."""


@dataclass(frozen=True)
class Negatives:
    """Examples whose pictures do not belong to a sentence.

    A negative has another sentence, and is of another video or at least ``margin`` seconds away; so have and are the
    neighbours that either may be joined with.

    Attributes:
        pool: indices of the examples to draw from.
        margin: seconds.
    """

    corpus: Corpus
    pool: np.ndarray
    margin: float

    def draw(self, example: int, rng: np.random.Generator) -> int:
        """A negative for ``example``. InputError if there is none."""
        for candidate in rng.choice(self.pool, size=TRIES):
            if self.apart(example, candidate):
                return int(candidate)
        others = [candidate for candidate in self.pool if self.apart(example, candidate)]
        if not others:
            raise InputError(self._missing(example))
        return int(rng.choice(others))

    def lacking(self) -> int | None:
        """The first example of the pool that has no negative, if there is one."""
        start = (
            self.pool[len(self.pool) // 2 :].tolist() + self.pool.tolist()
        )  # most find theirs in the other half at once
        return next(
            (i for i in self.pool.tolist() if not any(self.apart(i, other) for other in start)),
            None,
        )

    def check(self) -> None:
        """InputError if some example of the pool has no negative."""
        lacking = self.lacking()
        if lacking is not None:
            raise InputError(self._missing(lacking))

    def _missing(self, example: int) -> str:
        where = f"the sentence at {self.corpus.start[example]:.1f} s of a video has no example to be misaligned with"
        return f"{where}: give more videos, or --joint-weight 0"

    def apart(self, example: int, other: int) -> bool:
        """Whether ``other``, with the neighbour it may be joined with, shares neither sentence nor time with ``example``."""
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
