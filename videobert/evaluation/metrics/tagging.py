"""How well spans, segments and rankings are found.

Spans of words are counted as CoNLL-2000's program does, and seqeval after it. Segments of a video
are measured as by Lea et al. (2017), "Temporal Convolutional Networks": F1 at an overlap, and an
edit score of their order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OUTSIDE = "O"
Span = tuple[str, int, int]
"""A label, the first unit, and the one after the last."""


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Read BIO tags: a span begins with B, or with an I that goes on from nothing like it."""
    found: list[Span] = []
    for place, tag in enumerate(tags):
        kind, _, label = tag.partition("-")
        if kind == OUTSIDE:
            continue
        last = found[-1] if found else None
        if kind == "I" and last and last[0] == label and last[2] == place:
            found[-1] = (label, last[1], place + 1)
        else:
            found.append((label, place, place + 1))
    return found


def span_counts(found: Sequence[str], true: Sequence[str]) -> np.ndarray:
    """Count spans that are right, found and true, int [3]."""
    ours, theirs = set(spans_of(found)), set(spans_of(true))
    return np.array([len(ours & theirs), len(ours), len(theirs)])


def segment_counts(found: Sequence[str], true: Sequence[str], least: float) -> np.ndarray:
    """Count segments that are right, found and true, int [3].

    A segment is right if it overlaps with a true one of its label by ``least`` (intersection over
    union) that no segment before it has taken.
    """
    ours, theirs = spans_of(found), spans_of(true)
    taken: set[int] = set()
    for label, first, after in ours:
        shared = [
            (min(after, b) - max(first, a)) / (max(after, b) - min(first, a))
            if own == label
            else -1.0
            for own, a, b in theirs
        ]
        best = int(np.argmax(shared)) if shared else -1
        if best >= 0 and shared[best] >= least and best not in taken:
            taken.add(best)
    return np.array([len(taken), len(ours), len(theirs)])


def edit_score(found: Sequence[str], true: Sequence[str]) -> float:
    """Return 1 minus the edits that turn one order of labels into the other, over the longer."""
    ours, theirs = ([label for label, _, _ in spans_of(tags)] for tags in (found, true))
    if not ours and not theirs:
        return 1.0
    row = list(range(len(theirs) + 1))
    for i, own in enumerate(ours, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(theirs, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (own != other))
    return 1 - row[-1] / max(len(ours), len(theirs))


def f1(counts: np.ndarray) -> float:
    """Return F1 of right, found and true, [..., 3] summed; 0 where there is nothing."""
    right, found, true = counts.reshape(-1, 3).sum(axis=0)
    return float(2 * right / (found + true)) if found + true else 0.0


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean precision at each true one, from the highest score on; NaN without any."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores)) if truth.any() else float("nan")


def area_under_curve(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the chance that a true one has a higher score than a false one; a tie is half."""
    true, false = scores[truth == 1], scores[truth == 0]
    if not len(true) or not len(false):
        return float("nan")
    ordered = np.sort(false)
    below = np.searchsorted(ordered, true, "left") + np.searchsorted(ordered, true, "right")
    return float(below.mean() / 2 / len(false))
