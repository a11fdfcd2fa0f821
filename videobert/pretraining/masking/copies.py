"""Rows that are asked by copies of [MASK]: words in a drawn order, or from left to right.

What stands in a row is never hidden. A copy asks for the word of a place, and sees what comes
before it in the order; see videobert.orders. In a drawn order the last part is asked, as XLNet asks
the last sixth: the first places could know next to nothing. From left to right every word is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.orders import BEYOND, CAUSAL
from videobert.pretraining.masking.masker import IGNORED, rounded_at_random


@dataclass(frozen=True)
class Copied:
    """Padded sequences with their copies, each array int64 [batch, length].

    Attributes:
        input_ids: the ids, then a copy for each word that is asked.
        labels: the words that copies ask for, IGNORED elsewhere.
        source: the place that each id has, or asks for; 0 on padding.
        attention_mask: 0 on padding.
        rank: what others see of a place.
        reach: what a place sees.
    """

    input_ids: np.ndarray
    labels: np.ndarray
    source: np.ndarray
    attention_mask: np.ndarray
    rank: np.ndarray
    reach: np.ndarray


@dataclass(frozen=True)
class Copier:
    """Draws an order for each sequence, and adds the copies that ask.

    Attributes:
        mask: the id of the copies.
        special: ids that are never asked for; those but [CLS] come first.
        share: of the words, the last of the order, that is asked; one at least.
        kind: PERMUTATION or CAUSAL.
    """

    mask: int
    special: tuple[int, ...]
    share: float
    kind: str

    def __call__(
        self, ids: np.ndarray, mask: np.ndarray, asked: np.ndarray, rng: np.random.Generator
    ) -> Copied:
        """Add copies to padded sequences.

        Args:
            ids: int64 [batch, length]; each begins with [CLS].
            mask: int64 [batch, length], 0 on padding.
            asked: bool [batch], the sequences that anything is asked of.
            rng: draws the orders.
        """
        words = ~np.isin(ids, self.special) & (mask == 1)
        rank = self._ranks(words, mask, rng)
        if self.kind == CAUSAL:
            chosen = words
        else:
            total = words.sum(axis=1)
            count = np.maximum(rounded_at_random(self.share * total, rng), 1)
            chosen = words & (rank >= (mask.sum(axis=1) - count)[:, None])
        chosen = chosen & asked[:, None]
        reach = np.where(mask == 1, rank, 0)
        rank = np.where(mask == 1, rank, BEYOND)
        rank[:, 0] = reach[:, 0] = BEYOND
        return _joined(ids, mask, chosen, rank, reach, self.mask)

    def _ranks(self, words: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the place of each id in its order, [CLS] first; padding comes last."""
        if self.kind == CAUSAL:
            return np.broadcast_to(np.arange(words.shape[1]), words.shape).copy()
        key = np.where(words, rng.random(words.shape), -1.0)
        key[mask == 0] = 2.0
        return key.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")


def _joined(
    ids: np.ndarray,
    mask: np.ndarray,
    chosen: np.ndarray,
    rank: np.ndarray,
    reach: np.ndarray,
    copy: int,
) -> Copied:
    lengths, copies = mask.sum(axis=1), chosen.sum(axis=1)
    shape = len(ids), int((lengths + copies).max())
    names = ("input_ids", "labels", "source", "attention_mask", "rank", "reach")
    found = {name: np.zeros(shape, dtype=np.int64) for name in names}
    found["labels"][:] = IGNORED
    found["rank"][:] = BEYOND
    for row, (length, count) in enumerate(zip(lengths, copies, strict=True)):
        places = np.flatnonzero(chosen[row])
        here, there = (row, slice(length)), (row, slice(length, length + count))
        found["input_ids"][here], found["input_ids"][there] = ids[row, :length], copy
        found["labels"][there] = ids[row, places]
        found["source"][here], found["source"][there] = np.arange(length), places
        found["attention_mask"][row, : length + count] = 1
        found["rank"][here] = rank[row, :length]
        found["reach"][here], found["reach"][there] = reach[row, :length], reach[row, places]
    return Copied(**found)
