"""Means over examples, and how sure they are: the one place for intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

DRAWS, FEW_DRAWS = 2000, 300
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over examples with its bootstrap interval.

    Attributes:
        value: The mean, in [0, 1] for a share of hits or an IoU, in [0, 10] for CIDEr-D.
        low: Lower end of the interval.
        high: Upper end; all three are equal if nothing is left to chance.
    """

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """Make an estimate of a figure that is known for certain."""
        return cls(value, value, value)

    def __str__(self) -> str:
        """Write a share in per cent, as a table has it: 43.3 (40-47)."""
        interval = f" ({100 * self.low:.0f}-{100 * self.high:.0f})" if self.low < self.high else ""
        return f"{100 * self.value:.1f}{interval}"


def estimate(values: np.ndarray, groups: np.ndarray, seed: int = 0) -> Estimate:
    """Compute a mean with the 95 % interval of the percentile bootstrap (Efron, 1979).

    Whole groups are drawn. The stretches of one video are alike, so an interval over single
    stretches would be too narrow. One group alone tells nothing of others: 0 to 1.

    Args:
        values: Whether each example is a hit, or a figure of it such as its IoU, [examples].
        groups: The video of each example, [examples]; all different if examples stand alone.
        seed: Decides the draws.
    """
    _, number = np.unique(groups, return_inverse=True)
    sizes, sums = np.bincount(number), np.bincount(number, weights=values)
    count, mean = len(sizes), float(np.mean(values))
    if count < 2:
        return Estimate(mean, 0.0, 1.0)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    ends = np.quantile((drawn @ sums) / (drawn @ sizes), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(mean, float(ends[0]), float(ends[1]))


def estimate_figures(
    figures: Callable[[np.ndarray], Mapping[str, float]],
    marks: np.ndarray,
    groups: np.ndarray,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Compute figures that are no means, such as an F1, with the intervals of ``estimate``.

    They are computed anew for each of FEW_DRAWS draws of groups.

    Args:
        figures: Computes them of some rows.
        marks: What they are computed of, [rows, marks].
        groups: The video of each row, [rows].
        seed: Decides the draws.
    """
    _, number = np.unique(groups, return_inverse=True)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(number))[:-1])
    found, count = figures(marks), len(parts)
    if count < 2:
        return {name: Estimate(value, 0.0, 1.0) for name, value in found.items()}
    rng = np.random.default_rng(seed)
    drawn = [
        figures(marks[np.concatenate([parts[n] for n in rng.integers(count, size=count)])])
        for _ in range(FEW_DRAWS)
    ]
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return {
        name: Estimate(value, *map(float, np.nanquantile([each[name] for each in drawn], ends)))
        for name, value in found.items()
    }
