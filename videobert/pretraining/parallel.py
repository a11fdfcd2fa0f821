"""The same videos told in two languages (compare Lample and Conneau, 2019, "Cross-lingual Language
Model Pretraining", whose translation language model reads two texts).

    [CLS] text [SEP] the same in the other language [>] visual words [SEP]

Words of both texts are hidden, so either may be found from the other or from what is seen. The
second text and the visual words count their positions from their own first, so that words that mean
the same may have the same position. Both languages are learnt from in all other sequences, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videobert.data.corpus import NOBODY, Corpus
from videobert.sequences import NO_PART, VIDEO_TYPE, Row

SHARE = 0.5
"""Of the sequences with text and video that could have both texts, as the authors take turns
between one text and two."""


def partners(corpus: Corpus, first: int) -> np.ndarray:
    """Find for each example the one of the other language that is said most at the same time.

    Args:
        corpus: the examples of one language, then those of the other, with one numbering of videos.
        first: how many the first language has.

    Returns:
        int64 [examples], NOBODY where nothing overlaps.
    """
    found = np.full(len(corpus), NOBODY, dtype=np.int64)
    spoken, other = corpus.spoken, np.arange(len(corpus)) >= first
    by_video: dict[tuple[int, bool], list[int]] = {}
    for example in np.flatnonzero(spoken).tolist():
        by_video.setdefault((int(corpus.video[example]), bool(other[example])), []).append(example)
    for (video, second), examples in by_video.items():
        theirs = np.array(by_video.get((video, not second), []), dtype=np.int64)
        for example in examples if len(theirs) else ():
            shared = np.minimum(corpus.end[example], corpus.end[theirs]) - np.maximum(
                corpus.start[example], corpus.start[theirs]
            )
            best = int(shared.argmax())
            if shared[best] > 0:
                found[example] = theirs[best]
    return found


def own_positions(rows: Sequence[Row], width: int) -> np.ndarray:
    """Return the position of each id: where two texts stand, each part counts from its own first.

    Signs count on from what is before them.

    Args:
        rows: not yet padded.
        width: of the padded rows.

    Returns:
        int64 [rows, width].
    """
    found = np.tile(np.arange(width), (len(rows), 1))
    for positions, row in zip(found, rows, strict=True):
        parts = row.parts
        begins = np.flatnonzero((parts != NO_PART) & (np.r_[NO_PART, parts[:-1]] != parts))
        if (row.types[begins] != VIDEO_TYPE).sum() < 2:
            continue
        for begin in begins[1:]:
            positions[begin:] = np.arange(1, width - begin + 1)
    return found
