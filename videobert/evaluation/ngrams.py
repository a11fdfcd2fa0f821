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
    """How often each visual word is seen, and how often ``step`` clips after another.

    Attributes:
        counts: int64 [words].
        following: How often a word comes ``step`` clips after another in a video, [words, words].
    """

    counts: np.ndarray
    following: csr_array

    @classmethod
    def fit(cls, videos: Sequence[Ids], step: int, words: int) -> NGrams:
        """Count in whole videos.

        Args:
            videos: The visual words of each.
            step: How many clips ahead.
            words: How many visual words there are.

        Raises:
            InputError: if there is nothing to count.
        """
        from scipy.sparse import coo_array

        seen = [np.asarray(video, dtype=np.int64) for video in videos]
        if not sum(map(len, seen)):
            raise InputError("there are no visual words to count: give training videos")
        before = np.concatenate([video[:-step] for video in seen])
        after = np.concatenate([video[step:] for video in seen])
        pairs = coo_array((np.ones(len(before)), (before, after)), shape=(words, words))
        counts = np.bincount(np.concatenate(seen), minlength=words)
        return cls(counts, pairs.tocsr())  # tocsr adds up pairs that are there twice

    def unigram(self, rows: int) -> np.ndarray:
        """Give the share of each word, the same in every row, [rows, words]."""
        return np.broadcast_to(self.counts / self.counts.sum(), (rows, len(self.counts)))

    def bigram(self, last: np.ndarray) -> np.ndarray:
        """Score the words ``step`` after each of ``last``, [last, words].

        Words rank by how often they came after this one. Equal ones, such as all words after one
        that was never seen, rank by how often they are seen at all: the unigram adds less than one
        count.
        """
        return self.following[last].toarray() + 0.5 * self.unigram(len(last))
