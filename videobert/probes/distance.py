"""How the state of one word changes with its place: cosine by distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.probes.states import States, unit

FARTHEST = 12
"""Places apart, at most; farther pairs count as the farthest."""


@dataclass(frozen=True)
class Placement:
    """The mean cosine of two states of one word, by how far apart their places are.

    Attributes:
        apart: the distances that occur, in places.
        cosine: by layer, one for each distance.
        pairs: how many pairs there are of each distance.
    """

    apart: list[int]
    cosine: list[list[float]]
    pairs: list[int]

    def __str__(self) -> str:
        if not self.apart:
            return "No visual word is in two rows."
        first, last = self.cosine[-1][0], self.cosine[-1][-1]
        return (
            f"In the last layer one visual word has a cosine of {first:.2f} with itself in another "
            f"row {_where(self.apart[0])}, and of {last:.2f} {_where(self.apart[-1])}."
        )


def _where(apart: int) -> str:
    return f"{apart} places apart" if apart else "in the same place"


def cosine_by_distance(states: States) -> Placement:
    """Compare the occurrences of each word that stand in different rows."""
    count = len(states.layers)
    sums, pairs = np.zeros((count, FARTHEST + 1)), np.zeros(FARTHEST + 1, dtype=np.int64)
    for tokens in states.repeated():
        one, other = np.triu_indices(len(tokens), 1)
        apart = states.rows[tokens[one]] != states.rows[tokens[other]]
        one, other = one[apart], other[apart]
        places = states.places[tokens]
        far = np.minimum(np.abs(places[one] - places[other]), FARTHEST)
        pairs += np.bincount(far, minlength=FARTHEST + 1)
        for layer, kept in enumerate(states.layers[:, tokens]):
            directions = unit(kept)
            cosines = (directions[one] * directions[other]).sum(axis=1)
            sums[layer] += np.bincount(far, cosines, minlength=FARTHEST + 1)
    there = np.flatnonzero(pairs)
    cosine = (sums[:, there] / pairs[there]).tolist()
    return Placement(there.tolist(), cosine, pairs[there].tolist())
