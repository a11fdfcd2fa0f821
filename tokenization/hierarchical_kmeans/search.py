"""Finding the nearest centroid of a tree: step by step, with a beam, or over all leaves.

Nodes of level l are numbered 0 ... branching**(l+1) - 1; the children of node n are n * branching ... n * branching +
branching - 1. So a word, a node of the last level, spells its path, and the words of a subtree are neighbours.

Of centroids c, the nearest to x has the smallest |c|^2 / 2 - x.c, which is a matrix product; the dead have infinity there
and are never chosen. Ties go to the lowest number. Shapes: ``rows`` [rows, width], float32, prepared.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from threading import Lock, local

import numpy as np
from joblib import cpu_count
from threadpoolctl import ThreadpoolController

STRIP_ROWS = 64
"""Rows that meet a node's children at once: a product with so few columns is slower by a quarter with more."""

FLAT_ROWS, FLAT_LEAVES = 1024, 1024
"""A block of scores over all leaves: 4 MiB, which stay in the cache; a thread takes so many rows at a time."""


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looking for them takes a millisecond


class _OneThreadProducts:
    """Keeps BLAS at one thread while anyone is inside: the setting is the process's, so the last to leave puts it back."""

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = _libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


_ONE_THREAD_PRODUCTS = _OneThreadProducts()


@contextmanager
def workers(n_jobs: int | None) -> Iterator[Executor]:
    """A pool of threads, as many as scikit-learn would count, with one BLAS and one OpenMP thread each.

    Work is cut by the data, never by the number of threads, and a product in one thread sums in one order: so the same bytes
    come out on any number of cores.
    """
    threads = 1 if n_jobs is None else n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)
    with _ONE_THREAD_PRODUCTS, ThreadPoolExecutor(threads, initializer=_one_thread) as pool:
        yield pool


def _one_thread() -> None:
    _libraries().limit(
        limits=1, user_api="openmp"
    )  # OpenMP keeps this number for every calling thread


@dataclass(frozen=True)
class Tree:
    """Centroids by level.

    Attributes:
        branching: children per node.
        centers: for each level float32 [branching**(level+1), width], zeros for the dead.
        alive: for each level bool [branching**(level+1)].
    """

    branching: int
    centers: list[np.ndarray]
    alive: list[np.ndarray]

    @cached_property
    def half_norms(self) -> list[np.ndarray]:
        """|c|^2 / 2 by level, float32, [branching**level, branching]; infinity for the dead."""
        return [
            half_norms(*level).reshape(-1, self.branching)
            for level in zip(self.centers, self.alive, strict=True)
        ]

    @cached_property
    def leaves(self) -> np.ndarray:
        """The words that are alive, int32."""
        return np.flatnonzero(self.alive[-1]).astype(np.int32)

    @cached_property
    def leaf_centers(self) -> np.ndarray:
        """Their centroids, [alive words, width]."""
        return self.centers[-1] if self.alive[-1].all() else self.centers[-1][self.leaves]

    @cached_property
    def leaf_norms(self) -> np.ndarray:
        """|c|^2 / 2 of those, float32."""
        return half_norms(self.leaf_centers, np.ones(len(self.leaves), bool))


def half_norms(centers: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """|c|^2 / 2, float32, [centers]; infinity for the dead."""
    squares = np.einsum("ij,ij->i", centers, centers, dtype=np.float64) / 2
    return np.where(alive, squares, np.inf).astype(np.float32)


def runs(nodes: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(node, start, stop) for each run of equal numbers in ``nodes``, which ascend."""
    edges = np.flatnonzero(np.diff(nodes)) + 1
    starts = [0, *edges.tolist()]
    return zip(nodes[starts].tolist(), starts, [*starts[1:], len(nodes)], strict=True)


def child_scores(
    rows: np.ndarray, nodes: np.ndarray, centers: np.ndarray, norms: np.ndarray
) -> np.ndarray:
    """|c|^2 / 2 - x.c of each row's children, [rows, branching]; ``nodes`` ascend."""
    branching = norms.shape[1]
    scores = np.empty((len(rows), branching), np.float32)
    for node, start, stop in runs(nodes):
        children = centers[node * branching : (node + 1) * branching].T
        for strip in range(start, stop, STRIP_ROWS):
            end = min(strip + STRIP_ROWS, stop)
            np.dot(rows[strip:end], children, out=scores[strip:end])
    np.subtract(norms[nodes], scores, out=scores)
    return scores


class Scratch(local):
    """Two arrays for each thread, used from block to block: fresh pages take as long as the products.

    Args:
        rows: rows of a block, times the beam.
        width: numbers per prepared row.
    """

    def __init__(self, rows: int, width: int) -> None:  # called anew in every thread
        self.rows = np.empty((rows, width), np.float32)
        self.spare = np.empty((rows, width), np.float32)


def descend(tree: Tree, rows: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """The word of each row, int32: at every level the nearest child. ``rows`` and ``spare``, as large, are overwritten."""
    nodes = np.zeros(len(rows), np.int32)
    order = np.arange(len(rows))
    for level, centers in enumerate(tree.centers):
        if level:  # rows of one node side by side, so that they meet its children in one product
            turn = np.argsort(nodes, kind="stable")
            np.take(rows, turn, axis=0, out=spare, mode="clip")
            rows, spare, nodes, order = spare, rows, nodes[turn], order[turn]
        scores = child_scores(rows, nodes, centers, tree.half_norms[level])
        nodes = nodes * np.int32(tree.branching) + scores.argmin(axis=1).astype(np.int32)
    words = np.empty_like(nodes)
    words[order] = nodes
    return words


def beam_search(tree: Tree, rows: np.ndarray, spare: np.ndarray, beam: int) -> np.ndarray:
    """The word of each row, int32, with the ``beam`` nearest nodes kept at every level.

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
    """Columns of the ``count`` smallest scores of each row, ascending, so that the lowest number stays first."""
    if count >= scores.shape[1]:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.sort(np.argpartition(scores, count, axis=1)[:, :count], axis=1)


def search_all(tree: Tree, rows: np.ndarray) -> np.ndarray:
    """The word of each row, int32: the nearest of all that are alive. There are FLAT_ROWS rows at most."""
    return np.take(tree.leaves, _nearest(rows, tree.leaf_centers, tree.leaf_norms))


def _nearest(rows: np.ndarray, centers: np.ndarray, norms: np.ndarray) -> np.ndarray:
    best = np.full(len(rows), np.inf, np.float32)
    place = np.zeros(len(rows), np.int64)
    spare = np.empty((len(rows), FLAT_LEAVES), np.float32)
    for start in range(0, len(centers), FLAT_LEAVES):
        leaves = centers[start : start + FLAT_LEAVES]
        scores = (
            np.dot(rows, leaves.T, out=spare[:, : len(leaves)])
            if len(leaves) == FLAT_LEAVES
            else rows @ leaves.T
        )
        np.subtract(norms[start : start + FLAT_LEAVES], scores, out=scores)
        nearest = scores.argmin(axis=1)
        score = np.take_along_axis(scores, nearest[:, None], axis=1)[:, 0]
        place = np.where(
            score < best, nearest + start, place
        )  # not <=: a tie stays with the lower number
        best = np.minimum(score, best)
    return place


def find_words(
    tree: Tree, rows: np.ndarray, spare: np.ndarray, search: str, beam: int
) -> np.ndarray:
    """The word of each row, int32.

    Args:
        rows, spare: of ``Scratch``, ``spare`` with ``beam`` times as many rows; overwritten.
        search: "tree" goes down the tree with ``beam`` nodes a level, "flat" compares with every word.
    """
    if search == "flat":
        return search_all(tree, rows)
    return (
        descend(tree, rows, spare[: len(rows)])
        if beam == 1
        else beam_search(tree, rows, spare, beam)
    )


def squared_distances(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """From row i to center i, float32, [rows]: by differences, so that equal rows are at 0. Overwrites ``centers``."""
    np.subtract(rows, centers, out=centers)
    return np.asarray(np.einsum("ij,ij->i", centers, centers))
