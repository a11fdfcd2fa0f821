"""Which ids are hidden from the model, and what stands in their place (Devlin et al., 2019, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokenization.vocabulary import Vocabulary

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Of the chosen ids; the others keep their place."""
IGNORED = -100
"""Label of a position that is not asked for, as torch's cross entropy has it."""


@dataclass(frozen=True)
class Masker:
    """Hides a share of the words and visual words of each sequence, one at least.

    Attributes:
        share: 0.15 in BERT and VideoBERT.
        mask: id of [MASK].
        special: ids that are never chosen and never put in: [CLS], [SEP], [PAD], [UNK], [MASK], ``[>]``.
        continuing: ids of pieces that go on with a word, as ``##ing``; they are chosen with the word's first piece. None are
            if each piece is to be chosen for itself.
    """

    vocabulary: Vocabulary
    mask: int
    special: tuple[int, ...]
    share: float = 0.15
    continuing: tuple[int, ...] = ()

    def __call__(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels for ``ids``, all int64 [batch, length]; labels are IGNORED where nothing was chosen.

        A random replacement is of the same modality as what it replaces.
        """
        chosen = self._choose(ids, rng)
        labels = np.where(chosen, ids, IGNORED)
        fate = rng.random(ids.shape)
        inputs = np.where(chosen & (fate < MASK_SHARE), self.mask, ids)
        replaced = chosen & (MASK_SHARE <= fate) & (fate < MASK_SHARE + RANDOM_SHARE)
        return np.where(replaced, self._random_like(ids, rng), inputs), labels

    def _choose(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        maskable = ~np.isin(ids, self.special)
        continues = np.isin(ids, self.continuing)
        # Where the word of each piece begins. Its pieces share a random key, so that in the order of keys they stay together.
        home = np.maximum.accumulate(np.where(continues, 0, np.arange(ids.shape[1])), axis=1)
        key = np.take_along_axis(rng.random(ids.shape), home, axis=1)
        order = (
            np.where(maskable, key, np.inf)
            .argsort(axis=1, kind="stable")
            .argsort(axis=1, kind="stable")
        )
        length = maskable.sum(axis=1, keepdims=True)
        # Rounded at random, so that short sequences lose their share on average, too.
        count = np.floor(self.share * length + rng.random(length.shape))
        # What a cut left of a word is never hidden, wherever it comes in the order: the foremost word that is whole always is.
        begins = maskable & ~continues
        least = np.where(begins, order, order.size).min(axis=1, keepdims=True)
        first = begins & ((order < count) | (order == least))
        return maskable & np.take_along_axis(first, home, axis=1)

    def _random_like(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        ordinary = np.setdiff1d(np.arange(self.vocabulary.text_size), self.special)
        text = ordinary[rng.integers(len(ordinary), size=ids.shape)]
        visual = rng.integers(self.vocabulary.first_visual, self.vocabulary.size, size=ids.shape)
        return np.where(ids < self.vocabulary.joiner, text, visual)
