"""Where right answers stand in a ranking."""

from __future__ import annotations

import numpy as np


def top_k_hits(scores: np.ndarray, truth: np.ndarray, k: int) -> np.ndarray:
    """Tell whether each row's true label is among its k highest scores.

    Among equal scores the lower label comes first, so a constant row does not answer everything.
    A comparison with NaN counts against the true label.

    Args:
        scores: [examples, labels].
        truth: Number of each true label, int [examples].
        k: How many labels count.

    Returns:
        bool [examples].
    """
    right = np.take_along_axis(scores, np.asarray(truth)[:, None], axis=1)
    before = np.arange(scores.shape[1]) < np.asarray(truth)[:, None]
    hits: np.ndarray = (~(scores <= right) | ((scores == right) & before)).sum(axis=1) < k
    return hits


def mean_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rank the best right answer of each row, where equal scores stand in random order.

    With t wrong and r right answers of the same score, the best right one is on average behind
    t / (r + 1) of the wrong ones. A comparison with NaN counts against the right answer.

    Args:
        scores: [rows, answers].
        right: bool [rows, answers], one at least in each row.

    Returns:
        Mean ranks, 1 at best, float64 [rows].
    """
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    tied, better = scores == best, (~(scores <= best)).sum(axis=1)
    return 1 + better + (tied & ~right).sum(axis=1) / ((tied & right).sum(axis=1) + 1)
