"""How text and visual words stand in one sequence: ``[CLS] text [>] visual words [SEP]``; without ``[>]`` if one is alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenization.vocabulary import Vocabulary

Ids = Sequence[int] | np.ndarray

TEXT_TYPE, VIDEO_TYPE = 0, 1
"""Token types: the joiner and all before it are of text."""
HEAD_SHARE = 0.25
"""Of what head+tail keeps, as Sun et al. (2019), "How to Fine-Tune BERT for Text Classification": the first 128 of 510 ids."""


@dataclass(frozen=True)
class SequenceLayout:
    """Special ids of a tokenizer, the longest sequence that the model takes, and what stays of a text that is too long.

    Attributes:
        truncation: ``head``, ``tail`` or ``head+tail``.
    """

    vocabulary: Vocabulary
    cls: int
    sep: int
    pad: int
    max_length: int
    truncation: str = "head"

    def arrange(self, text: Ids, visual: Ids) -> tuple[list[int], list[int]]:
        """Ids and token types of one sequence.

        What is too long is made to fit: video gives way first, thinned evenly, down to half of the room; then text
        is cut.

        Args:
            text: WordPiece ids without special ones, possibly none.
            visual: visual words, 0 to visual_size - 1, possibly none.
        """
        joiner = [self.vocabulary.joiner] if len(text) and len(visual) else []
        room = self.max_length - 2 - len(joiner)
        text = self._cut(list(text), max(room - len(visual), (room + 1) // 2))
        seen = self.vocabulary.visual_ids(thin(visual, room - len(text))).tolist()
        ids = [self.cls, *text, *joiner, *seen, self.sep]
        types = [TEXT_TYPE] * (1 + len(text) + len(joiner)) + [VIDEO_TYPE] * len(seen)
        return ids, [*types, types[-1]]

    def _cut(self, text: list[int], most: int) -> list[int]:
        head = {"head": most, "tail": 0, "head+tail": round(HEAD_SHARE * most)}[self.truncation]
        return text if len(text) <= most else text[:head] + text[len(text) - (most - head) :]

    def pad_together(
        self, sequences: Sequence[tuple[list[int], list[int]]]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids, token types and attention mask of sequences, each int64 [batch, longest]."""
        longest = max(len(ids) for ids, _ in sequences)
        padded = np.full((len(sequences), longest), self.pad, dtype=np.int64)
        types, mask = np.zeros_like(padded), np.zeros_like(padded)
        for row, (ids, kinds) in enumerate(sequences):
            padded[row, : len(ids)], types[row, : len(ids)], mask[row, : len(ids)] = ids, kinds, 1
        return padded, types, mask


def thin(words: Ids, most: int) -> np.ndarray:
    """At most ``most`` of the words, evenly spread, in order."""
    kept = np.asarray(words, dtype=np.int64)
    return kept if len(kept) <= most else kept[(np.arange(most) * len(kept)) // most]
