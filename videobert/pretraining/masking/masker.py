"""Which ids are hidden, and what stands in their place (Devlin et al., 2019, section 3.1).

Legend of shapes: [batch, length] are the ids of padded sequences.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.masking.spans import Spans, sides
from videobert.pretraining.masking.units import Units, Words

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Shares of the chosen ids that become [MASK] and a random id; the others stay as they are."""
IGNORED = -100
"""Label of a place that nothing is asked at, as torch's cross entropy has it."""


@dataclass(frozen=True)
class Masker:
    """Hides a share of the words and visual words of each sequence, at least one.

    Attributes:
        vocabulary: the ids of text and of visual words.
        mask: the id that hides another.
        special: ids that are never chosen and never put in: [CLS], [SEP], [PAD], [UNK], [MASK],
            ``[>]``.
        share: of the ids, 0 to 1; 0.15 in BERT and VideoBERT.
        units: what is chosen together.
    """

    vocabulary: Vocabulary
    mask: int
    special: tuple[int, ...]
    share: float = 0.15
    units: Units | Spans = field(default_factory=Words)

    def __call__(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Hide ids; a random id is of the same modality as the id that it replaces.

        Args:
            ids: int64 [batch, length].
            rng: draws everything.

        Returns:
            Inputs and labels, int64 [batch, length]; labels are IGNORED where nothing was chosen.
        """
        chosen, homes = self._choose(ids, rng)
        labels = np.where(chosen, ids, IGNORED)
        fate = rng.random(ids.shape)
        if homes is not None:
            fate = np.take_along_axis(fate, homes, axis=1)
        inputs = np.where(chosen & (fate < MASK_SHARE), self.mask, ids)
        replaced = chosen & (MASK_SHARE <= fate) & (fate < MASK_SHARE + RANDOM_SHARE)
        return np.where(replaced, self._random_like(ids, rng), inputs), labels

    def _choose(
        self, ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Choose whole units until the share is reached.

        Returns:
            What is chosen, bool [batch, length]. And, if all of a unit becomes the same, the place
            whose fate each id shares, int64 [batch, length].
        """
        maskable = ~np.isin(ids, self.special)
        length = maskable.sum(axis=1, keepdims=True)
        if isinstance(self.units, Spans):
            counts = rounded_at_random(self.share * length, rng)[:, 0]
            chosen = self.units.choose(ids, maskable, counts, rng)
            before, _ = sides(chosen)
            return chosen, np.arange(ids.shape[1]) - np.maximum(before - 1, 0)
        # All ids of a unit share a random key, so they stay together in the order of the keys.
        home = self.units.homes(ids)
        key = np.take_along_axis(rng.random(ids.shape), home, axis=1)
        ranked = np.where(maskable, key, np.inf).argsort(axis=1, kind="stable")
        order = ranked.argsort(axis=1, kind="stable")
        count = rounded_at_random(self.share * length, rng)
        # A word that truncation cut in two is never hidden, whatever its rank. The first whole unit
        # in the order always is.
        begins = maskable & (home == np.arange(ids.shape[1]))
        least = np.where(begins, order, order.size).min(axis=1, keepdims=True)
        first = begins & ((order < count) | (order == least))
        chosen = maskable & np.take_along_axis(first, home, axis=1)
        return chosen, home if self.units.one_fate else None

    def _random_like(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw an id of the same modality for each id, int64 [batch, length]."""
        ordinary = np.setdiff1d(np.arange(self.vocabulary.text_size), self.special)
        text = ordinary[rng.integers(len(ordinary), size=ids.shape)]
        visual = rng.integers(self.vocabulary.first_visual, self.vocabulary.size, size=ids.shape)
        return np.where(ids < self.vocabulary.joiner, text, visual)


def rounded_at_random(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Round each number down or up, so that it stays the same on average."""
    rounded: np.ndarray = np.floor(numbers + rng.random(numbers.shape))
    return rounded
