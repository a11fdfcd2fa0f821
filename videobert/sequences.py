"""Puts texts and visual words into one sequence, and remembers where each of them went.

    [CLS] text [>] visual words [SEP]
    [CLS] text [SEP] second text [>] visual words [SEP]

``[>]`` stands where text and visual words meet, and [SEP] between two texts, or two stretches of
visual words. A part without an id is left out, with the sign before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenization.vocabulary import Vocabulary
from workfolder.errors import InputError

Ids = Sequence[int] | np.ndarray

ALIGNED, MISALIGNED = 0, 1
"""Classes of the alignment head, in the order of BERT's next-sentence head."""
TEXT_TYPE, VIDEO_TYPE = 0, 1
"""Token types. [CLS], ``[>]`` and a [SEP] between parts have the type of text."""
HEAD_SHARE = 0.25
"""Share of a cut text that head+tail takes from its head: 128 of 510 ids in Sun et al. (2019),
"How to Fine-Tune BERT for Text Classification"."""
NO_PART = -1
"""The part, and the unit, of a sign."""


@dataclass(frozen=True)
class Part:
    """A text, or a stretch of visual words.

    Attributes:
        ids: WordPiece ids without special ones; or visual words, 0 to visual_size - 1.
        seen: whether they are visual words.
        units: what each id is of, such as the number of its sentence, int64 [ids]; 0 by default.
        most: ids at most, whatever room there is, as a question has a limit of its own.
    """

    ids: Ids
    seen: bool = False
    units: np.ndarray | None = None
    most: int | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def wanted(self) -> int:
        """How many ids there would be with room for all."""
        return len(self) if self.most is None else min(len(self), self.most)


@dataclass(frozen=True)
class Placed:
    """Where one part stands in its sequence.

    Attributes:
        kept: int64 [kept], the indices of the part's ids that are in the sequence, ascending.
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
        parts: int64 [length], the number of the part that an id is of; NO_PART for signs.
        units: int64 [length], the unit that an id is of within its part; NO_PART for signs.
        placed: where each part stands.
    """

    ids: np.ndarray
    types: np.ndarray
    parts: np.ndarray
    units: np.ndarray
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class SequenceLayout:
    """The order of a sequence, and what is kept of parts that are too long.

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

    def arrange(self, *parts: Part) -> Row:
        """Put parts into one sequence, in their order.

        Visual words give way first: they are thinned evenly, down to half of the room. Then the
        longer texts are cut, until all are equally long; then all are cut. Visual words that are
        too many share their room in the same way.
        """
        there = sum(len(part) > 0 for part in parts)
        room = self.max_length - 1 - max(there, 1)
        wanted = [part.wanted for part in parts]
        texts = [0 if part.seen else own for own, part in zip(wanted, parts, strict=True)]
        clips = [own - text for own, text in zip(wanted, texts, strict=True)]
        texts = shares(texts, max(room - sum(clips), (room + 1) // 2))
        clips = shares(clips, room - sum(texts))
        found = zip(parts, texts, clips, strict=True)
        return self._row(parts, [self._kept(part, text + clip) for part, text, clip in found])

    def windows(self, question: Part, document: Part, stride: int) -> list[Row]:
        """Let a question meet all of a document that is too long for one sequence.

        Nothing of the document is thinned or cut: each window holds as much of it as has room.

        Args:
            question: first in each row.
            document: what the windows slide over; ``placed[1]`` of a row says which of its ids are
                there.
            stride: ids of the document from the start of a window to that of the next.

        Raises:
            InputError: if a stride leaves ids out between two windows, or the question leaves room
                for none.
        """
        asked = self._kept(question, question.wanted)
        room = self.max_length - 2 - bool(len(asked)) - len(asked)
        if not 1 <= stride <= room:
            raise InputError(
                f"a stride of {stride} will not do beside a question of {len(asked)} ids: windows "
                f"hold {max(room, 0)} ids of a document"
            )
        starts = range(0, max(len(document) - room, 0) + stride, stride)
        places = np.arange(len(document))
        return [
            self._row((question, document), [asked, places[start : start + room]])
            for start in starts
        ]

    def _kept(self, part: Part, most: int) -> np.ndarray:
        """Return the indices of the ids that are kept of a part, int64 [most] or fewer."""
        count = len(part)
        if part.seen:
            return evenly_spaced(count, most)
        if count <= most:
            return np.arange(count)
        head = {"head": most, "tail": 0, "head+tail": round(HEAD_SHARE * most)}[self.truncation]
        return np.r_[:head, count - (most - head) : count]

    def _row(self, parts: Sequence[Part], kept: Sequence[np.ndarray]) -> Row:
        table = np.empty((4, 1 + sum(len(indices) + 1 for indices in kept) + 1), dtype=np.int64)
        ids, types, numbers, units = table
        numbers[:], units[:], types[:] = NO_PART, NO_PART, TEXT_TYPE
        ids[0], end, placed = self.cls, 1, []
        before: Part | None = None
        for number, (part, indices) in enumerate(zip(parts, kept, strict=True)):
            if len(indices) and before is not None:
                ids[end] = self.sep if part.seen == before.seen else self.vocabulary.joiner
                end += 1
            here = slice(end, end + len(indices))
            placed.append(Placed(indices, np.arange(here.start, here.stop)))
            if len(indices):
                chosen = np.asarray(part.ids, dtype=np.int64)[indices]
                ids[here] = self.vocabulary.visual_ids(chosen) if part.seen else chosen
                types[here] = VIDEO_TYPE if part.seen else TEXT_TYPE
                numbers[here], units[here] = (
                    number,
                    0 if part.units is None else part.units[indices],
                )
                before, end = part, here.stop
        ids[end] = self.sep
        types[end] = VIDEO_TYPE if before is not None and before.seen else TEXT_TYPE
        ids, types, numbers, units = table[:, : end + 1]
        return Row(ids, types, numbers, units, tuple(placed))

    def pad_together(self, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ids, token types and attention mask of sequences, each int64 [rows, longest]."""
        shape = len(rows), max(len(row.ids) for row in rows)
        padded = np.full(shape, self.pad, dtype=np.int64)
        types, mask = np.zeros_like(padded), np.zeros_like(padded)
        for place, row in enumerate(rows):
            here = place, slice(len(row.ids))
            padded[here], types[here], mask[here] = row.ids, row.types, 1
        return padded, types, mask


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Share room among parts: the longest are cut until all fit.

    What is left of an uneven division goes to the first of those that are cut.
    """
    if sum(lengths) <= room:
        return list(lengths)
    level, left = room, room
    for place, length in enumerate(sorted(lengths)):
        if length * (len(lengths) - place) > left:
            level = left // (len(lengths) - place)
            break
        left -= length
    kept = [min(length, level) for length in lengths]
    spare = room - sum(kept)
    for place, length in enumerate(lengths):
        if length > kept[place] and spare:
            kept[place], spare = kept[place] + 1, spare - 1
    return kept


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """Return the indices of at most ``most`` of ``count`` things, evenly spaced and ascending."""
    return np.arange(count) if count <= most else np.arange(most) * count // most
