"""How often the right answer is among the first k, and how sure that figure is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Accuracy:
    """A mean over examples with the ends of its bootstrap interval; all three are one where nothing is left to chance.

    In [0, 1] where it is a share of hits or an IoU; in [0, 10] for CIDEr-D.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """A share in per cent, as a table has it: 43.3 (40-47)."""
        interval = f" ({100 * self.low:.0f}-{100 * self.high:.0f})" if self.low < self.high else ""
        return f"{100 * self.value:.1f}{interval}"


def top_k_hits(scores: np.ndarray, truth: np.ndarray, k: int) -> np.ndarray:
    """Whether each row's true label is among its k highest scores: [examples, labels] and [examples] -> bool [examples].

    Among equal scores the lower label comes first, so that a constant row is no answer to everything. What is compared
    with NaN is against the true label.
    """
    right = np.take_along_axis(scores, np.asarray(truth)[:, None], axis=1)
    before = np.arange(scores.shape[1]) < np.asarray(truth)[:, None]
    hits: np.ndarray = (~(scores <= right) | ((scores == right) & before)).sum(axis=1) < k
    return hits


def accuracy(hits: np.ndarray, groups: np.ndarray, seed: int = 0) -> Accuracy:
    """The mean of ``hits`` [examples], with the 95 % interval of the percentile bootstrap (Efron, 1979).

    What is drawn again and again are whole groups, as the segments of one video are alike and an interval over single
    segments would be too narrow. Of one group alone nothing is known about others: 0 to 1.

    Args:
        hits: bool, or any figure of each example, such as its IoU.
        groups: [examples], the video of each; all different, if examples stand alone.
        seed: decides the draws.
    """
    _, number = np.unique(groups, return_inverse=True)
    sizes, right = np.bincount(number), np.bincount(number, weights=hits)
    count = len(sizes)
    if count < 2:
        return Accuracy(float(np.mean(hits)), 0.0, 1.0)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    low, high = np.quantile((drawn @ right) / (drawn @ sizes), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Accuracy(float(np.mean(hits)), float(low), float(high))
