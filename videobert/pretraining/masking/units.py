"""Which ids are hidden together, as one or not at all.

Shapes: [batch, length] are the ids of padded sequences. ``homes`` has, for each id, the place where
its unit begins. An id that goes on with nothing, such as the end of a word that was cut, has its
home in a place that is never hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


class Units(Protocol):
    """Groups ids into units."""

    @property
    def one_fate(self) -> bool:
        """Whether all ids of a unit become [MASK], or random ids, or stay, alike."""

    def homes(self, ids: np.ndarray) -> np.ndarray:
        """Find the place where the unit of each id begins, int64 [batch, length]."""


@dataclass(frozen=True)
class Words:
    """Each word with all its pieces, and each visual word for itself.

    Attributes:
        continuing: ids of pieces that go on with a word; without any, each piece is a unit.
    """

    continuing: tuple[int, ...] = ()
    one_fate: bool = False

    def homes(self, ids: np.ndarray) -> np.ndarray:
        """Find where the word of each piece begins."""
        return _where_begun(~np.isin(ids, self.continuing))


@dataclass(frozen=True)
class Runs:
    """Each run of one visual word, and each piece of text for itself.

    A hidden clip never stands beside an equal one that is seen, so it cannot be copied.

    Attributes:
        first_visual: the id of visual word 0.
    """

    first_visual: int
    one_fate: bool = True

    def homes(self, ids: np.ndarray) -> np.ndarray:
        """Find where the run of each visual word begins."""
        begins = np.ones(ids.shape, dtype=bool)
        begins[:, 1:] = (ids[:, 1:] != ids[:, :-1]) | (ids[:, 1:] < self.first_visual)
        return _where_begun(begins)


@dataclass(frozen=True)
class Phrases:
    """Each phrase of a list, each other word with all its pieces, each visual word for itself.

    Of phrases that begin together the longest counts (Sun et al., 2019, "ERNIE").

    Attributes:
        phrases: the ids of each.
        words: groups pieces into words; a phrase begins and ends with one.
    """

    phrases: Sequence[tuple[int, ...]]
    words: Words
    one_fate: bool = True
    _known: frozenset[tuple[int, ...]] = field(init=False, repr=False)
    _lengths: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort the phrases by length, the longest first."""
        object.__setattr__(self, "_known", frozenset(self.phrases))
        lengths = tuple(sorted({len(phrase) for phrase in self.phrases}, reverse=True))
        object.__setattr__(self, "_lengths", lengths)

    def homes(self, ids: np.ndarray) -> np.ndarray:
        """Find where the phrase, or the word, of each piece begins."""
        homes = self.words.homes(ids)
        whole = homes == np.arange(ids.shape[1])
        for row, begins, found in zip(ids.tolist(), whole.tolist(), homes, strict=True):
            place = 0
            while place < len(row):
                length = self._phrase_at(row, begins, place)
                found[place : place + length] = found[place]
                place += length
        return homes

    def _phrase_at(self, row: list[int], begins: list[bool], place: int) -> int:
        """Return the length of the phrase that begins at a place; 1 where none does."""
        if begins[place]:
            for length in self._lengths:
                end = place + length
                if (end == len(row) or (end < len(row) and begins[end])) and tuple(
                    row[place:end]
                ) in self._known:
                    return length
        return 1


def _where_begun(begins: np.ndarray) -> np.ndarray:
    """Return the last place, up to each, where something begins."""
    places = np.where(begins, np.arange(begins.shape[1]), 0)
    found: np.ndarray = np.maximum.accumulate(places, axis=1)
    return found
