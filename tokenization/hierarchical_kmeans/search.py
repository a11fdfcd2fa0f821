"""Finds the nearest centroid of a tree: step by step, with a beam, or over all leaves.

Of centroids c, the nearest to x has the smallest score |c|^2 / 2 - x.c, which takes one product of
matrices. Dead nodes score infinity and are never chosen. Ties go to the lowest number.

Shapes:
    features: [rows, width], as they lie on the disk.
    rows: float32 [rows, projected width].
    nodes: int32 [rows], the node of each row at one level.
    words: int32 [rows].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import local
from typing import Any

import numpy as np

from tokenization.hierarchical_kmeans.projection import NotFinite
from tokenization.hierarchical_kmeans.tree import Tree

BLOCK_BYTES = 32 * 2**20
"""Size of a block of rows once it is float32. A thread holds three of them."""

STRIP_ROWS = 64
"""Rows multiplied with a node's children at once. Products of so few columns slow down by a
quarter with more."""

FLAT_ROWS, FLAT_LEAVES = 1024, 1024
"""Rows and leaves of a block of scores in a flat search: 4 MiB, which stay in the cache."""

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""A function like the built-in ``map``, or the ``map`` of a pool of threads."""


def block_rows(width: int) -> int:
    """Rows per block of that width. It depends on the data alone, so no result depends on the
    machine."""
    return max(256, BLOCK_BYTES // (4 * width))


class Scratch(local):
    """Two arrays for each thread, used for one block after another.

    New memory for every block would take as long as the products.

    Args:
        rows: rows of a block, times the beam.
        width: numbers per projected row.
    """

    def __init__(self, rows: int, width: int) -> None:  # runs anew in every thread
        self.rows = np.empty((rows, width), np.float32)
        self.spare = np.empty((rows, width), np.float32)


def find_words(
    tree: Tree,
    features: np.ndarray,
    method: str = "tree",
    beam: int = 1,
    distances: bool = False,
    apply: Map = map,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the word of each row.

    Args:
        tree: where to search.
        features: [rows, width].
        method: "tree" goes down the tree, "flat" compares with every word.
        beam: nodes kept per level of a "tree" search.
        distances: whether to compute distances, too.
        apply: runs the blocks, such as the ``map`` of a pool.

    Returns:
        Words, int32 [rows], and squared distances to their centroids in the projected space,
        float32 [rows]; zeros unless asked for.

    Raises:
        NotFinite: if a row holds NaN or infinity.
    """
    beam = beam if method == "tree" else 1
    most = block_rows(features.shape[1]) // beam if method == "tree" else FLAT_ROWS
    step = max(1, min(len(features), most))
    words, squares = np.empty(len(features), np.int32), np.zeros(len(features), np.float32)
    scratch = Scratch(step * beam, tree.projection.width)

    def project(start: int) -> np.ndarray:
        block = features[start : start + step]
        try:
            return tree.projection(block, scratch.rows[: len(block)])
        except NotFinite as error:
            raise NotFinite(start + error.row) from None

    def search(start: int) -> None:
        rows = project(start)
        flat = method == "flat"
        found = search_all(tree, rows) if flat else search_tree(tree, rows, scratch.spare, beam)
        words[start : start + step] = found
        if distances:  # the search has overwritten the rows
            centers = tree.centers[-1][found]
            squares[start : start + step] = squared_distances(project(start), centers)

    for _ in apply(search, range(0, len(features), step)):
        pass
    return words, squares


def search_tree(tree: Tree, rows: np.ndarray, spare: np.ndarray, beam: int) -> np.ndarray:
    """Find words down the tree, with ``beam`` nodes per level; both arrays are overwritten."""
    if beam == 1:
        return descend(tree, rows, spare[: len(rows)])
    return beam_search(tree, rows, spare, beam)


def descend(tree: Tree, rows: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Find words by taking the nearest child at every level.

    ``rows`` and ``spare``, an array of the same shape, are overwritten.
    """
    nodes = np.zeros(len(rows), np.int32)
    order = np.arange(len(rows))
    for level, centers in enumerate(tree.centers):
        if level:  # sort by node, so that the rows of a node meet its children in one product
            turn = np.argsort(nodes, kind="stable")
            np.take(rows, turn, axis=0, out=spare, mode="clip")
            rows, spare, nodes, order = spare, rows, nodes[turn], order[turn]
        scores = child_scores(rows, nodes, centers, tree.half_norms[level])
        nodes = nodes * np.int32(tree.branching) + scores.argmin(axis=1).astype(np.int32)
    words = np.empty_like(nodes)
    words[order] = nodes
    return words


def beam_search(tree: Tree, rows: np.ndarray, spare: np.ndarray, beam: int) -> np.ndarray:
    """Find words by keeping the ``beam`` nearest nodes at every level.

    ``spare``, which has ``beam`` times as many rows, is overwritten.
    """
    nodes = np.zeros((len(rows), 1), np.int32)
    steps = np.arange(tree.branching, dtype=np.int32)
    for level, centers in enumerate(tree.centers):
        width = nodes.shape[1]
        turn = np.argsort(nodes, axis=None, kind="stable")
        scores = np.empty((nodes.size, tree.branching), np.float32)
        pairs = np.take(rows, turn // width, axis=0, out=spare[: len(turn)], mode="clip")
        scores[turn] = child_scores(pairs, nodes.reshape(-1)[turn], centers, tree.half_norms[level])
        scores = scores.reshape(len(rows), width * tree.branching)
        children = (nodes[:, :, None] * np.int32(tree.branching) + steps).reshape(scores.shape)
        last = level + 1 == len(tree.centers)
        best = scores.argmin(axis=1)[:, None] if last else _smallest(scores, beam)
        nodes = np.take_along_axis(children, best, axis=1)
    words: np.ndarray = nodes[:, 0]
    return words


def _smallest(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the columns of the ``count`` smallest scores of each row, ascending."""
    if count >= scores.shape[1]:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.sort(np.argpartition(scores, count, axis=1)[:, :count], axis=1)


def search_all(tree: Tree, rows: np.ndarray) -> np.ndarray:
    """Find words by comparing at most FLAT_ROWS rows with every living word."""
    best = np.full(len(rows), np.inf, np.float32)
    places = np.zeros(len(rows), np.int64)
    spare = np.empty((len(rows), FLAT_LEAVES), np.float32)
    for start in range(0, len(tree.leaves), FLAT_LEAVES):
        centers = tree.leaf_centers[start : start + FLAT_LEAVES]
        whole = len(centers) == FLAT_LEAVES  # np.dot writes to contiguous arrays only
        scores = np.dot(rows, centers.T, out=spare) if whole else rows @ centers.T
        np.subtract(tree.leaf_norms[start : start + FLAT_LEAVES], scores, out=scores)
        nearest = scores.argmin(axis=1)
        score = np.take_along_axis(scores, nearest[:, None], axis=1)[:, 0]
        # Not <=: a tie stays with the lower number.
        places = np.where(score < best, nearest + start, places)
        best = np.minimum(score, best)
    return np.take(tree.leaves, places)


def child_scores(
    rows: np.ndarray, nodes: np.ndarray, centers: np.ndarray, norms: np.ndarray
) -> np.ndarray:
    """Score the children of each row's node.

    Args:
        rows: float32 [rows, projected width].
        nodes: int32 [rows], ascending.
        centers: float32 [nodes * branching, projected width], of the children.
        norms: float32 [nodes, branching], |c|^2 / 2 of the children.

    Returns:
        |c|^2 / 2 - x.c, float32 [rows, branching].
    """
    branching = norms.shape[1]
    scores = np.empty((len(rows), branching), np.float32)
    for node, start, stop in equal_runs(nodes):
        children = centers[node * branching : (node + 1) * branching].T
        for strip in range(start, stop, STRIP_ROWS):
            end = min(strip + STRIP_ROWS, stop)
            np.dot(rows[strip:end], children, out=scores[strip:end])
    np.subtract(norms[nodes], scores, out=scores)
    return scores


def equal_runs(numbers: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Find the runs of equal numbers: the number, its first place, and the place after its last."""
    edges = np.flatnonzero(np.diff(numbers)) + 1
    starts = [0, *edges.tolist()]
    return zip(numbers[starts].tolist(), starts, [*starts[1:], len(numbers)], strict=True)


def squared_distances(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Compute the squared distance of row i to center i, float32 [rows].

    It takes differences, so that equal rows are at distance 0. ``centers`` is overwritten.
    """
    np.subtract(rows, centers, out=centers)
    return np.asarray(np.einsum("ij,ij->i", centers, centers))
