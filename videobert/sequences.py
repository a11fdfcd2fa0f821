"""Puts texts and visual words into one sequence, and remembers where each of them went.

    [CLS] text [>] visual words [SEP]
    [CLS] text [SEP] second text [>] visual words [SEP]

``[>]`` stands between text and visual words, so it is absent where either is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenization.vocabulary import Vocabulary

Ids = Sequence[int] | np.ndarray

ALIGNED, MISALIGNED = 0, 1
"""Classes of the alignment head, in the order of BERT's next-sentence head."""
TEXT_TYPE, VIDEO_TYPE = 0, 1
"""Token types. [CLS], ``[>]`` and a [SEP] between texts have the type of text."""
HEAD_SHARE = 0.25
"""Share of a cut text that head+tail takes from its head: 128 of 510 ids in Sun et al. (2019),
"How to Fine-Tune BERT for Text Classification"."""


@dataclass(frozen=True)
class Placed:
    """Where one input stands in its sequence.

    Attributes:
        kept: int64 [kept], the indices of the input's ids that are in the sequence, ascending.
        positions: int64 [kept], the positions of these ids in the sequence.
    """

    kept: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class Row:
    """One sequence.

    Attributes:
        ids: int64 [length].
        types: int64 [length], TEXT_TYPE or VIDEO_TYPE.
        text: where the text stands.
        second_text: where the second text stands.
        visual: where the visual words stand.
    """

    ids: np.ndarray
    types: np.ndarray
    text: Placed
    second_text: Placed
    visual: Placed


@dataclass(frozen=True)
class SequenceLayout:
    """The order of a sequence, and what is kept of inputs that are too long.

    Attributes:
        vocabulary: the ids of text and of visual words.
        cls: the id of [CLS].
        sep: the id of [SEP].
        pad: the id of [PAD].
        max_length: ids in a sequence at most.
        truncation: what is kept of a text that is too long: ``head``, ``tail`` or ``head+tail``.
    """

    vocabulary: Vocabulary
    cls: int
    sep: int
    pad: int
    max_length: int
    truncation: str = "head"

    def arrange(self, text: Ids, visual: Ids, second_text: Ids = ()) -> Row:
        """Put texts and visual words into one sequence.

        Visual words give way first: they are thinned evenly, down to half of the room. Then the
        longer text is cut, until both texts are equally long; then both are cut.

        Args:
            text: WordPiece ids without special ones, possibly none.
            visual: visual words, 0 to visual_size - 1, possibly none.
            second_text: as ``text``.
        """
        both, joined = len(text) and len(second_text), len(text) + len(second_text) and len(visual)
        room = self.max_length - 2 - bool(both) - bool(joined)
        text_room = max(room - len(visual), (room + 1) // 2)
        kept = self._kept_of_text(len(text), max(text_room - len(second_text), -(-text_room // 2)))
        kept_second = self._kept_of_text(len(second_text), text_room - len(kept))
        kept_visual = evenly_spaced(len(visual), room - len(kept) - len(kept_second))

        parts = [
            [self.cls],
            np.asarray(text, dtype=np.int64)[kept],
            [self.sep] * bool(both),
            np.asarray(second_text, dtype=np.int64)[kept_second],
            [self.vocabulary.joiner] * bool(joined),
            self.vocabulary.visual_ids(np.asarray(visual, dtype=np.int64)[kept_visual]),
            [self.sep],
        ]
        begins = np.cumsum([0, *map(len, parts)])
        types = np.full(begins[-1], TEXT_TYPE)
        if len(kept_visual):
            types[begins[5] :] = VIDEO_TYPE
        placed = [
            Placed(indices, begins[part] + np.arange(len(indices)))
            for part, indices in ((1, kept), (3, kept_second), (5, kept_visual))
        ]
        return Row(np.concatenate(parts).astype(np.int64), types, *placed)

    def _kept_of_text(self, count: int, most: int) -> np.ndarray:
        """Return the indices of the ids that are kept of a text, int64 [most] or less."""
        if count <= most:
            return np.arange(count)
        head = {"head": most, "tail": 0, "head+tail": round(HEAD_SHARE * most)}[self.truncation]
        return np.r_[:head, count - (most - head) : count]

    def pad_together(self, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ids, token types and attention mask of sequences, each int64 [rows, longest]."""
        shape = len(rows), max(len(row.ids) for row in rows)
        padded = np.full(shape, self.pad, dtype=np.int64)
        types, mask = np.zeros_like(padded), np.zeros_like(padded)
        for place, row in enumerate(rows):
            here = place, slice(len(row.ids))
            padded[here], types[here], mask[here] = row.ids, row.types, 1
        return padded, types, mask


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """Return the indices of at most ``most`` of ``count`` things, evenly spaced and ascending."""
    return np.arange(count) if count <= most else np.arange(most) * count // most
