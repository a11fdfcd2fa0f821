"""Spans of words or of clips that are hidden together (Joshi et al., 2020, "SpanBERT")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.pretraining.masking.units import Words

SHARE, LONGEST = 0.2, 10
"""Of the geometric distribution of their lengths, and the most words of a span; mean 3.8."""
TRIES = 20
"""Draws for each word that is to be hidden, before a sequence has no room for more."""


def span_lengths(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw lengths from a geometric distribution that is cut at LONGEST, int64 [count]."""
    lengths = np.arange(1, LONGEST + 1)
    chances = SHARE * (1 - SHARE) ** (lengths - 1)
    return rng.choice(lengths, count, p=chances / chances.sum())


@dataclass(frozen=True)
class Spans:
    """Chooses spans that do not touch, each within one text or the clips.

    Attributes:
        words: what a span of text consists of.
    """

    words: Words

    def choose(
        self, ids: np.ndarray, maskable: np.ndarray, counts: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Choose spans until so many ids are hidden, one word at least.

        The last span is cut where that is enough, at the end of a word.

        Args:
            ids: int64 [batch, length].
            maskable: bool [batch, length].
            counts: [batch], ids to hide.
            rng: draws places and lengths.

        Returns:
            bool [batch, length].
        """
        homes = self.words.homes(ids)
        begins = maskable & (homes == np.arange(ids.shape[1]))
        whole = maskable & np.take_along_axis(begins, homes, axis=1)
        return np.stack(
            [
                _choose(np.flatnonzero(begin), inside, int(count), rng)
                for begin, inside, count in zip(begins, whole, counts, strict=True)
            ]
        )


def _choose(
    begins: np.ndarray, inside: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose the spans of one sequence.

    Args:
        begins: [words], where each word begins.
        inside: bool [length], where a word is.
        count: ids to hide.
        rng: draws places and lengths.
    """
    chosen, starts = np.zeros(len(inside), dtype=bool), set(begins.tolist())
    tries = TRIES * max(count, 1) if len(begins) else 0
    lengths = span_lengths(rng, tries)
    places = begins[rng.integers(len(begins), size=tries)] if tries else begins
    for first, length in zip(places.tolist(), lengths.tolist(), strict=True):
        hidden = int(chosen.sum())
        if hidden >= max(count, 1):
            break
        end, words = first, 0
        while end < len(inside) and inside[end]:
            if end in starts:
                if words == length or (words and hidden + end - first >= count):
                    break
                words += 1
            end += 1
        # A span that touches another would be one with it, and longer than drawn.
        if not chosen[max(first - 1, 0) : end + 1].any():
            chosen[first:end] = True
    return chosen


def sides(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure how far the last id before, and the first id after, the span of each place are.

    Args:
        chosen: bool [batch, length]; never at the first or last place.

    Returns:
        Two int64 [batch, length], at least 1 where something is chosen, 0 elsewhere.
    """
    places = np.arange(chosen.shape[1])
    before = np.maximum.accumulate(np.where(chosen, 0, places), axis=1)
    after = np.minimum.accumulate(np.where(chosen, len(places), places)[:, ::-1], axis=1)[:, ::-1]
    return np.where(chosen, places - before, 0), np.where(chosen, after - places, 0)
