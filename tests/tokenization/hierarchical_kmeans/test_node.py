from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.node import (
    MOST_UNEVEN,
    NodeOptions,
    distinct_rows,
    draw_start,
    fit_node,
)

OPTIONS = NodeOptions(branching=3, n_init=1, max_iter=25, tol=1e-4)
SEED = np.random.SeedSequence(0)


def points(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)[:, None]


def test_a_centroid_is_the_mean_of_its_group() -> None:
    rows = points(0, 2, 100, 102, 104, 300)
    centers = fit_node(rows, distinct_rows(rows, 4), OPTIONS, SEED)
    assert sorted(centers[:, 0].tolist()) == [1, 102, 300]


@pytest.mark.parametrize("numbers", [(5, 5, 5, 5), (7, 5, 7, 5), (9,)], ids=str)
def test_a_node_of_few_distinct_rows_keeps_these(numbers: tuple[float, ...]) -> None:
    rows = points(*numbers)
    centers = fit_node(rows, distinct_rows(rows, 4), OPTIONS, SEED)
    assert centers[:, 0].tolist() == list(dict.fromkeys(numbers))


def test_more_runs_are_no_worse() -> None:
    rows = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)

    def inertia(n_init: int) -> float:
        options = NodeOptions(8, n_init, 25, 1e-4)
        centers = fit_node(rows, distinct_rows(rows, 9), options, SEED)
        return float(((rows[:, None] - centers) ** 2).sum(axis=2).min(axis=1).sum())

    assert inertia(5) <= inertia(1)


def test_distinct_rows_are_found_late_too() -> None:
    rows = np.zeros((1000, 4), np.float32)
    rows[[400, 900]] = [[1], [2]]
    assert distinct_rows(rows, 5).tolist() == [0, 400, 900]
    assert distinct_rows(rows, 2).tolist() == [0, 400]


def test_the_start_has_a_row_of_every_distant_group() -> None:
    rows = np.concatenate([points(*range(5)), points(*range(1000, 1005)), points(-1000, -1001)])
    for seed in range(5):
        start = draw_start(rows, 3, np.random.default_rng(seed))
        assert sorted(np.round(start[:, 0] / 1000).tolist()) == [-1, 0, 1]


def crowd(seed: int = 0) -> np.ndarray:
    """A dense group of 900 rows and 100 far from it and from each other."""
    random = np.random.default_rng(seed)
    spread = np.repeat([0.1, 20.0], [900, 100])[:, None]
    return (spread * random.standard_normal((1000, 5))).astype(np.float32)


def largest(rows: np.ndarray, centers: np.ndarray) -> int:
    nearest = ((rows[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    return int(np.bincount(nearest).max())


def test_a_balanced_node_divides_what_is_crowded() -> None:
    rows, plain = crowd(), NodeOptions(8, 1, 25, 1e-4)
    even = replace(plain, balanced=True)
    sizes = {}
    for options in (plain, even):
        centers = fit_node(rows, distinct_rows(rows, 9), options, SEED)
        assert len(centers) == 8
        sizes[options.balanced] = largest(rows, centers)
    assert sizes[False] > 4 * sizes[True] and sizes[True] <= MOST_UNEVEN * len(rows) / 8
    again = fit_node(rows, distinct_rows(rows, 9), even, SEED)
    np.testing.assert_array_equal(again, centers)


def test_equal_rows_cannot_be_divided_and_do_no_harm() -> None:
    rows = np.concatenate([np.zeros((500, 2), np.float32), crowd()[-20:, :2]])
    even = NodeOptions(4, 1, 25, 1e-4, balanced=True)
    assert len(fit_node(rows, distinct_rows(rows, 5), even, SEED)) == 4
