"""The one form of all evaluation tables: a row for each method, what a model must beat first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from videobert.evaluation.intervals import Estimate, estimate
from videobert.evaluation.metrics.ranking import top_k_hits

Row = Mapping[Any, Any]
"""Figures by column: an Estimate, a plain number, or a Row of figures that belong together."""
LEFT_OUT = "left out"


class Table(dict[str, Row]):
    """Rows by method, so as JSON a table is its rows.

    Attributes:
        methods: All methods in the order of print; those without a row are left out of the figures.
    """

    def __init__(
        self, rows: Mapping[str, Row] | Iterable[tuple[str, Row]] = (), methods: Sequence[str] = ()
    ) -> None:
        super().__init__(rows)
        self.methods = tuple(methods) or tuple(self)

    def cells(self, before: str = "", between: str = " ") -> list[list[str]]:
        """Write the table for people: a line for each method, its name and then its figures.

        Args:
            before: Stands before each method's name.
            between: Stands between the words of a method's name.
        """
        written = {method: list(_figures(row)) for method, row in self.items()}
        width = max((len(figures) for figures in written.values()), default=0)
        return [
            [
                f"{before}{method.replace('_', between)}",
                *written.get(method, [LEFT_OUT] * width),
            ]
            for method in self.methods
        ]


def _figures(row: Row) -> Iterator[str]:
    for figure in row.values():
        if isinstance(figure, Mapping):
            yield from _figures(figure)
        else:
            yield str(figure) if isinstance(figure, Estimate) else f"{figure:g}"


def top_k(
    scores: np.ndarray, truth: np.ndarray, groups: np.ndarray, ks: Sequence[int]
) -> dict[int, Estimate]:
    """Estimate how often the true label is among the k highest scores, by k.

    Args:
        scores: [examples, labels].
        truth: Number of each true label, int [examples].
        groups: The video of each example, [examples].
        ks: How many labels count.
    """
    return {k: estimate(top_k_hits(scores, truth, k), groups) for k in ks}
