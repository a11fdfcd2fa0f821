"""Searches in a small tree, each compared with distances in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.toys.features import blobs
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.projection import NotFinite, Projection
from tokenization.hierarchical_kmeans.search import (
    block_rows,
    child_scores,
    equal_runs,
    find_words,
    squared_distances,
)
from tokenization.hierarchical_kmeans.tree import Tree


@pytest.fixture(scope="module")
def tree() -> Tree:
    return HierarchicalKMeans(4, 3, random_state=0).fit(blobs()).tree_


def greedy(tree: Tree, rows: np.ndarray) -> np.ndarray:
    """Take the nearest living child at every level."""
    nodes = np.zeros(len(rows), np.int64)
    for centers, sizes in zip(tree.centers, tree.sizes, strict=True):
        children = nodes[:, None] * tree.branching + np.arange(tree.branching)
        distances = ((rows[:, None] - centers[children]) ** 2).sum(axis=2)
        distances[sizes[children] == 0] = np.inf
        nodes = children[np.arange(len(rows)), distances.argmin(axis=1)]
    return nodes


def nearest(tree: Tree, rows: np.ndarray) -> np.ndarray:
    """Compare with every living word."""
    distances = ((rows[:, None] - tree.centers[-1]) ** 2).sum(axis=2)
    distances[:, tree.sizes[-1] == 0] = np.inf
    return distances.argmin(axis=1)


@pytest.mark.parametrize(
    ("method", "beam", "expected"),
    [("tree", 1, greedy), ("tree", 16, nearest), ("flat", 1, nearest)],
)
def test_words_and_distances_are_right(
    tree: Tree, method: str, beam: int, expected: Callable[[Tree, np.ndarray], np.ndarray]
) -> None:
    features = blobs(1500, seed=1)
    rows = features.astype(np.float64) - tree.projection.mean
    words, squares = find_words(tree, features, method, beam, distances=True)
    np.testing.assert_array_equal(words, expected(tree, rows))
    differences = rows - tree.centers[-1][words]
    np.testing.assert_allclose(squares, (differences**2).sum(axis=1), rtol=1e-3, atol=1e-4)
    assert not find_words(tree, features, method, beam)[1].any()


@pytest.mark.parametrize(("method", "beam"), [("tree", 1), ("tree", 3), ("flat", 1)])
def test_a_tie_goes_to_the_lower_word(method: str, beam: int) -> None:
    words = [np.array([[0], [2]], np.float32)]
    tied = Tree(Projection(np.zeros(1, np.float32)), 2, words, [np.array([1, 1])], [0.0])
    assert find_words(tied, np.array([[1.0]], np.float32), method, beam)[0].tolist() == [0]


def test_a_row_that_is_not_finite_is_counted_from_the_first(tree: Tree) -> None:
    features = np.zeros((block_rows(16) + 9, 16), np.float16)
    features[-2] = np.nan
    with pytest.raises(NotFinite) as error:
        find_words(tree, features)
    assert error.value.row == len(features) - 2


def test_no_rows_have_no_words(tree: Tree) -> None:
    words, squares = find_words(tree, np.empty((0, 16), np.float16))
    assert words.shape == squares.shape == (0,)


def test_child_scores_are_half_norms_minus_products() -> None:
    centers = np.array([[1, 0], [0, 2], [3, 3], [0, 0]], np.float32)
    norms = np.array([[0.5, 2], [9, np.inf]], np.float32)
    rows = np.array([[4, 5], [1, 1]], np.float32)
    scores = child_scores(rows, np.array([0, 1]), centers, norms)
    assert scores.tolist() == [[0.5 - 4, 2 - 10], [9 - 6, np.inf]]


def test_small_helpers() -> None:
    assert list(equal_runs(np.array([3, 3, 5, 9, 9]))) == [(3, 0, 2), (5, 2, 3), (9, 3, 5)]
    rows, centers = np.array([[1, 2], [3, 4]]), np.array([[1, 2], [0, 0]])
    assert squared_distances(rows, centers).tolist() == [0, 25]
    assert block_rows(1024) == 8192 and block_rows(10**9) == 256
