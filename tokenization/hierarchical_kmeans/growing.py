"""Grows the tree level by level, from features that stay on the disk.

A level takes three steps: draw the rows that each node is fitted on, fit the nodes (in groups whose
rows fit into memory), and read all features once to send every row to its child. The last level
sends every row down the whole tree instead, just as ``predict`` does, so that the training rows
have the very words that ``predict`` finds for them.

Memory holds two numbers per row, one group of nodes, and a block per thread. A checkpoint keeps
every group and every level once it is finished, so a run that is killed loses one of them.

Shapes:
    nodes: int32 [rows], the node of each row at the level grown last.
    centers: float32 [branching**(level+1), projected width], the children of a level's nodes.
    alive: bool [branching**(level+1)], which of these children there are.
    sizes: int64 [branching**(level+1)], rows per child.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from tokenization.hierarchical_kmeans.checkpoint import Checkpoint
from tokenization.hierarchical_kmeans.feature_source import FeatureSource
from tokenization.hierarchical_kmeans.node import NodeOptions, distinct_rows, fit_node
from tokenization.hierarchical_kmeans.projection import (
    Projection,
    learn_projection,
    named_rows,
    refuse_not_finite,
)
from tokenization.hierarchical_kmeans.sampling import draw_sample
from tokenization.hierarchical_kmeans.search import child_scores, find_words, squared_distances
from tokenization.hierarchical_kmeans.tree import Tree, half_norms
from tokenization.options import TREE

GROUP_BYTES = 256 * 2**20
"""Rows of the nodes fitted at once, as they lie on the disk (2 bytes per number)."""

PROJECTION_ROWS = 16_384
"""Rows from which mean and principal components are learnt."""

Progress = Callable[[int, int], None]
"""Called with the nodes that are done and the number of all nodes."""


@dataclass(frozen=True)
class GrowthOptions:
    """The options of a tree, which decide every byte together with the features.

    Attributes:
        depth: levels.
        node: how a node is fitted.
        samples_per_node: the most rows that a node is fitted on.
        seed: decides every draw.
        preparation: one of options.PREPARATIONS.
        n_components: the most principal components.
    """

    depth: int
    node: NodeOptions
    samples_per_node: int
    seed: int
    preparation: str
    n_components: int

    def nodes_above(self, level: int) -> int:
        """Count the inner nodes above a level, dead ones included."""
        return sum(self.node.branching**above for above in range(level))


@dataclass(frozen=True)
class Grown:
    """A tree and where its training rows are in it.

    Attributes:
        tree: the tree.
        words: int32 [rows], the word of each training row.
        squares: float32 [rows], its squared distance to the word's centroid.
    """

    tree: Tree
    words: np.ndarray
    squares: np.ndarray


def grow(
    source: FeatureSource,
    options: GrowthOptions,
    pool: Executor,
    checkpoint: Checkpoint,
    progress: Progress | None,
) -> Grown:
    """Grow a tree.

    Args:
        source: the features.
        options: the shape of the tree.
        pool: threads of ``threads.workers``.
        checkpoint: where finished pieces are kept.
        progress: called after every node, in order.

    Raises:
        InputError: if a row holds NaN or infinity (the message names it), or a file cannot be
            read.
    """
    # Filters of warnings belong to the whole process, so they are set outside the threads.
    with warnings.catch_warnings():
        # Near-duplicates leave groups empty, which become dead words.
        warnings.simplefilter("ignore", ConvergenceWarning)
        progress = progress or (lambda done, of: None)
        return _Growth(source, options, pool, checkpoint, progress).run()


@dataclass(frozen=True)
class _Growth:
    """What every step needs."""

    source: FeatureSource
    options: GrowthOptions
    pool: Executor
    checkpoint: Checkpoint
    progress: Progress

    def run(self) -> Grown:
        projection = Projection(**self.checkpoint("projection", self._learn_projection))
        tree = Tree(projection, self.options.node.branching, [], [], [])
        nodes, sizes = np.zeros(self.source.rows, np.int32), np.array([self.source.rows])
        last = self.options.depth - 1
        for level in range(self.options.depth):
            centers, alive = self._fit_level(projection, nodes, sizes, level)
            if level < last:
                assign = partial(self._send_to_children, projection, nodes, centers, alive)
            else:
                # The new level counts as alive wherever there is a centroid.
                levels = [*tree.centers, centers], [*tree.sizes, alive.astype(np.int64)]
                whole = Tree(projection, tree.branching, *levels, [])
                assign = partial(self._send_to_words, whole)
            assigned = self.checkpoint(f"level-{level}-rows", assign)
            nodes = assigned["nodes"]
            sizes = np.bincount(nodes, minlength=len(centers))
            tree.centers.append(centers)
            tree.sizes.append(sizes)
            tree.inertia.append(float(assigned["inertia"][0]))
            tree.bury()
        return Grown(tree, nodes, assigned["squares"])

    def _learn_projection(self) -> dict[str, np.ndarray]:
        options = self.options
        rows = draw_rows(self.source, PROJECTION_ROWS, options.seed, options.depth)
        features = take_rows(self.source, rows, self.pool)
        return learn_projection(features, options.preparation, options.n_components).tensors

    def _fit_level(
        self, projection: Projection, nodes: np.ndarray, sizes: np.ndarray, level: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fit all nodes of a level; return the centroids of their children and which are alive."""
        options = self.options
        sample = draw_sample(nodes, sizes, options.samples_per_node, options.seed, level)
        parts = []
        for first, last in sample.groups(max(1, GROUP_BYTES // (2 * self.source.width))):
            starts = sample.starts[first : last + 1]
            rows = sample.rows[starts[0] : starts[-1]]
            fit = partial(self._fit_group, projection, level, first, rows, starts - starts[0])
            parts.append(self.checkpoint(f"level-{level}-nodes-{first}", fit))
            self._tell(level, last)
        centers = np.concatenate([part["centers"] for part in parts])
        return centers, np.concatenate([part["alive"] for part in parts])

    def _fit_group(
        self, projection: Projection, level: int, first: int, rows: np.ndarray, starts: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Fit nodes of a level; return the centroids of their children and which are alive.

        Node ``first + i`` is fitted on the rows numbered ``rows[starts[i] : starts[i + 1]]``.
        """
        by_row = np.argsort(rows)
        features = take_rows(self.source, rows[by_row], self.pool)
        place = np.empty_like(by_row)
        place[by_row] = np.arange(len(by_row))
        count, branching = len(starts) - 1, self.options.node.branching

        def fit(node: int) -> np.ndarray:
            members = place[starts[node] : starts[node + 1]]
            if not members.size:
                return np.empty((0, projection.width), np.float32)
            path = node_path(first + node, level, branching)
            seed = np.random.SeedSequence(self.options.seed, spawn_key=path)
            found = features[members]
            # Compared before the projection, whose rounding may tell equal rows apart.
            distinct = distinct_rows(found, branching + 1)
            return fit_node(projection(found), distinct, self.options.node, seed)

        centers = np.zeros((count, branching, projection.width), np.float32)
        alive = np.zeros((count, branching), bool)
        for node, found in enumerate(self.pool.map(fit, range(count))):
            centers[node, : len(found)] = found
            alive[node, : len(found)] = True
            self._tell(level, first + node + 1)
        return {"centers": centers.reshape(-1, projection.width), "alive": alive.reshape(-1)}

    def _tell(self, level: int, nodes: int) -> None:
        """Report that so many nodes of a level are done."""
        above, total = (self.options.nodes_above(end) for end in (level, self.options.depth))
        self.progress(above + nodes, total)

    def _send_to_children(
        self, projection: Projection, nodes: np.ndarray, centers: np.ndarray, alive: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Send every row from its node to the nearest child."""
        branching = self.options.node.branching
        norms = half_norms(centers, alive).reshape(-1, branching)
        children = np.empty_like(nodes)

        def send(block: tuple[int, int]) -> float:
            start, stop = block
            with named_rows(partial(name_from, self.source, start)):
                rows = projection(self.source.read(start, stop))
            turn = np.argsort(nodes[start:stop], kind="stable")
            rows, parents = rows[turn], nodes[start:stop][turn]
            nearest = child_scores(rows, parents, centers, norms).argmin(axis=1)
            chosen = parents * np.int32(branching) + nearest.astype(np.int32)
            children[start:stop][turn] = chosen
            return float(squared_distances(rows, centers[chosen]).sum(dtype=np.float64))

        inertia = sum(self.pool.map(send, self.source.blocks()))  # in the order of the blocks
        return {"nodes": children, "inertia": np.array([inertia])}

    def _send_to_words(self, tree: Tree) -> dict[str, np.ndarray]:
        """Send every row down the whole tree, as ``predict`` does, and measure its distance."""
        words, squares = words_of_rows(self.source, tree, self.pool)
        inertia = squares.sum(dtype=np.float64)
        return {"nodes": words, "squares": squares, "inertia": np.array([inertia])}


def draw_rows(source: FeatureSource, count: int, seed: int, level: int) -> np.ndarray:
    """Draw the numbers of at most ``count`` rows, ascending; ``level`` numbers the draw."""
    one_node, sizes = np.zeros(source.rows, np.int32), np.array([source.rows])
    return draw_sample(one_node, sizes, count, seed, level).rows


def take_rows(source: FeatureSource, rows: np.ndarray, pool: Executor) -> np.ndarray:
    """Read the rows of these numbers, which ascend; raise InputError if one is not finite."""
    features = source.take(rows, pool.map)
    with named_rows(lambda row: source.name(int(rows[row]))):
        refuse_not_finite(features)
    return features


def name_from(source: FeatureSource, start: int, row: int) -> str:
    """Say where the row ``row`` places after ``start`` is, for people."""
    return source.name(start + row)


def words_of_rows(
    source: FeatureSource, tree: Tree, pool: Executor, method: str = TREE, beam: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Find the words of all rows, as ``predict`` does; see find_words.

    Returns:
        Words, int32 [rows], and squared distances to their centroids, float32 [rows].
    """
    words = np.empty(source.rows, np.int32)
    squares = np.empty(source.rows, np.float32)

    def send(block: tuple[int, int]) -> None:
        begin, end = block
        features = source.read(begin, end)
        for start, stop in source.pieces(begin, end):
            piece = features[start - begin : stop - begin]
            with named_rows(partial(name_from, source, start)):
                found = find_words(tree, piece, method, beam, distances=True)
            words[start:stop], squares[start:stop] = found

    for _ in pool.map(send, source.blocks()):
        pass
    return words, squares


def node_path(node: int, level: int, branching: int) -> tuple[int, ...]:
    """List which child to take at every level on the way from the root to ``node`` of ``level``."""
    return tuple(node // branching**above % branching for above in reversed(range(level)))
