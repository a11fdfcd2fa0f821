"""The next visual word by counting: what a forecast must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videobert.sequences import Ids
from workfolder.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class NGrams:
    """How often each visual word is seen, and how often it is seen ``step`` clips after another.

    Attributes:
        counts: int64 [words].
        following: [words, words], from a word to the one that comes ``step`` later in the same video.
    """

    counts: np.ndarray
    following: csr_array

    @classmethod
    def fit(cls, videos: Sequence[Ids], step: int, words: int) -> NGrams:
        """Count in whole videos over ``words`` visual words; InputError if there is none to count."""
        from scipy.sparse import coo_array

        tracks = [np.asarray(video, dtype=np.int64) for video in videos]
        if not sum(map(len, tracks)):
            raise InputError("there are no visual words to count: give training videos")
        before = np.concatenate([track[:-step] for track in tracks])
        after = np.concatenate([track[step:] for track in tracks])
        following = coo_array((np.ones(len(before)), (before, after)), shape=(words, words))
        return cls(
            np.bincount(np.concatenate(tracks), minlength=words), following.tocsr()
        )  # which adds up what is there twice

    def unigram(self, rows: int) -> np.ndarray:
        """Shares of the words, the same in every row, [rows, words]."""
        return np.broadcast_to(self.counts / self.counts.sum(), (rows, len(self.counts)))

    def bigram(self, last: np.ndarray) -> np.ndarray:
        """Scores of the words ``step`` after each of ``last``, [last, words].

        They rank by how often a word came after this one; where that is equal, as after a word that was never seen, by
        how often it is seen at all: the unigram adds less than one count.
        """
        return self.following[last].toarray() + 0.5 * self.unigram(len(last))
