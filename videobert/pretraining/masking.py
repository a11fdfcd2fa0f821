"""Which ids are hidden, and what stands in their place (Devlin et al., 2019, section 3.1).

Legend of shapes: [batch, length] are the ids of padded sequences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokenization.vocabulary import Vocabulary

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Shares of the chosen ids that become [MASK] and a random id; the others stay as they are."""
IGNORED = -100
"""Label of a place that nothing is asked at, as torch's cross entropy has it."""


@dataclass(frozen=True)
class Masker:
    """Hides a share of the words and visual words of each sequence, at least one.

    Attributes:
        vocabulary: the ids of text and of visual words.
        mask: id of [MASK].
        special: ids that are never chosen and never put in: [CLS], [SEP], [PAD], [UNK], [MASK],
            ``[>]``.
        share: of the ids, 0 to 1; 0.15 in BERT and VideoBERT.
        continuing: ids of pieces that continue a word, as ``##ing``. They are chosen with the first
            piece of the word. Empty if each piece is chosen for itself.
    """

    vocabulary: Vocabulary
    mask: int
    special: tuple[int, ...]
    share: float = 0.15
    continuing: tuple[int, ...] = ()

    def __call__(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Hide ids; a random id is of the same modality as the id that it replaces.

        Args:
            ids: int64 [batch, length].
            rng: draws everything.

        Returns:
            Inputs and labels, int64 [batch, length]; labels are IGNORED where nothing was chosen.
        """
        chosen = self._choose(ids, rng)
        labels = np.where(chosen, ids, IGNORED)
        fate = rng.random(ids.shape)
        inputs = np.where(chosen & (fate < MASK_SHARE), self.mask, ids)
        replaced = chosen & (MASK_SHARE <= fate) & (fate < MASK_SHARE + RANDOM_SHARE)
        return np.where(replaced, self._random_like(ids, rng), inputs), labels

    def _choose(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Choose whole words until the share is reached, bool [batch, length]."""
        maskable = ~np.isin(ids, self.special)
        continues = np.isin(ids, self.continuing)
        # home: where the word of each piece begins. All its pieces share a random key, so they
        # stay together in the order of the keys.
        home = np.maximum.accumulate(np.where(continues, 0, np.arange(ids.shape[1])), axis=1)
        key = np.take_along_axis(rng.random(ids.shape), home, axis=1)
        ranked = np.where(maskable, key, np.inf).argsort(axis=1, kind="stable")
        order = ranked.argsort(axis=1, kind="stable")
        length = maskable.sum(axis=1, keepdims=True)
        # Rounded at random, so that short sequences lose their share on average, too.
        count = np.floor(self.share * length + rng.random(length.shape))
        # A word that truncation cut in two is never hidden, whatever its rank. The first whole word
        # in the order always is.
        begins = maskable & ~continues
        least = np.where(begins, order, order.size).min(axis=1, keepdims=True)
        first = begins & ((order < count) | (order == least))
        return maskable & np.take_along_axis(first, home, axis=1)

    def _random_like(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw an id of the same modality for each id, int64 [batch, length]."""
        ordinary = np.setdiff1d(np.arange(self.vocabulary.text_size), self.special)
        text = ordinary[rng.integers(len(ordinary), size=ids.shape)]
        visual = rng.integers(self.vocabulary.first_visual, self.vocabulary.size, size=ids.shape)
        return np.where(ids < self.vocabulary.joiner, text, visual)
