"""Growing the tree level by level, from features that stay on the disk.

A level is three steps: draw the rows that each node is fitted on, fit the nodes (in groups whose rows fit into memory), and
read all features once to send every row to its child. Memory holds one number a row, one group, and a block a thread.

A checkpoint folder keeps every group and every level as soon as it is there, so a run that was killed loses one of them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.exceptions import ConvergenceWarning

from tokenization.hierarchical_kmeans.feature_source import FeatureSource
from tokenization.hierarchical_kmeans.node import NodeOptions, distinct_rows, fit_node
from tokenization.hierarchical_kmeans.projection import (
    NotFinite,
    Preparation,
    learn_preparation,
    refuse_not_finite,
)
from tokenization.hierarchical_kmeans.sampling import draw_sample
from tokenization.hierarchical_kmeans.search import (
    Tree,
    child_scores,
    half_norms,
    squared_distances,
)
from workfolder.errors import InputError
from workfolder.files import read_json, write_json, write_whole
from workfolder.stage import refuse_other_options

logger = logging.getLogger(__name__)

GROUP_BYTES = 256 * 2**20
"""Rows of the nodes that are fitted in one go, as they lie on disk (2 bytes a number)."""

PREPARATION_ROWS = 16_384
"""Rows that mean and principal components are learnt from."""

Progress = Callable[[int, int], None]
"""Told how many nodes are done, and of how many."""


@dataclass(frozen=True)
class GrowthOptions:
    """What a tree is grown with; together with the features it decides every byte."""

    depth: int
    node: NodeOptions
    samples_per_node: int
    seed: int
    preparation: str
    n_components: int

    @property
    def nodes(self) -> int:
        """Inner nodes of the whole tree, the dead ones with them."""
        return sum(self.node.branching**level for level in range(self.depth))


class Checkpoint:
    """A folder of tensors by name, each whole or absent; with no folder, nothing is kept.

    Raises:
        InputError: the folder belongs to other options or other features.
    """

    def __init__(self, folder: Path | None, identity: Mapping[str, Any]) -> None:
        self._folder = folder
        if folder is None:
            return
        if not (folder / "checkpoint.json").exists():
            write_json(dict(identity), folder / "checkpoint.json")
        there = read_json(folder / "checkpoint.json")
        try:
            refuse_other_options(folder, there, identity)
        except InputError as error:  # "use those" will not do where more videos have come
            raise InputError(
                f"{str(error).rpartition(';')[0]}; remove it, to begin anew"
            ) from error

    def __call__(
        self, name: str, make: Callable[[], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """The tensors of that name: read if they are there and whole, else made and kept."""
        if self._folder is None:
            return make()
        path = self._folder / f"{name}.safetensors"
        if path.exists():
            try:
                return load_file(path)
            except (OSError, SafetensorError) as error:
                logger.warning("%s is made again, as it cannot be read: %s", path, error)
        tensors = make()
        with write_whole(path) as part:
            save_file(tensors, part)
        return tensors


@dataclass
class Grown:
    """A tree and what is known of the features it was grown from.

    Attributes:
        nodes: int32, [rows]; where each row is, at the last level grown.
        sizes: for each level int64 [branching**(level+1)]; rows per node, 0 for the dead.
        inertia: for each level the sum of squared distances to the node's centroid, in the prepared space.
    """

    preparation: Preparation
    nodes: np.ndarray
    centers: list[np.ndarray] = field(default_factory=list)
    sizes: list[np.ndarray] = field(default_factory=list)
    inertia: list[float] = field(default_factory=list)

    def tree(self, branching: int) -> Tree:
        """To search in. A node is alive if a row came to it."""
        return Tree(branching, self.centers, [sizes > 0 for sizes in self.sizes])


@dataclass(frozen=True)
class _Growth:
    """The pieces that every step needs."""

    source: FeatureSource
    options: GrowthOptions
    pool: Executor
    checkpoint: Checkpoint
    progress: Progress

    def run(self) -> Grown:
        preparation = Preparation(**self.checkpoint("preparation", self._prepare))
        grown = Grown(preparation, np.zeros(self.source.rows, np.int32))
        sizes = np.array([self.source.rows])
        for level in range(self.options.depth):
            centers, alive = self._fit_level(grown, sizes, level)
            settled = self.checkpoint(
                f"level-{level}-rows", partial(self._settle, grown, centers, alive)
            )
            grown.nodes, sizes = settled["nodes"], settled["sizes"]
            centers[sizes == 0] = 0  # a node that no row came to can neither be split nor meant
            grown.centers.append(centers)
            grown.sizes.append(sizes)
            grown.inertia.append(float(settled["inertia"][0]))
        return grown

    def _take(self, rows: np.ndarray) -> np.ndarray:
        """These rows as they are; InputError where one is not finite."""
        features = self.source.take(rows, self.pool.map)
        try:
            refuse_not_finite(features)
        except NotFinite as error:
            raise error.refusal(self.source.name(int(rows[error.row]))) from None
        return features

    def _prepare(self) -> dict[str, np.ndarray]:
        options, rows = self.options, self.source.rows
        lowest = np.zeros(rows, np.int32)
        sample = draw_sample(
            lowest, np.array([rows]), PREPARATION_ROWS, options.seed, options.depth
        )
        return learn_preparation(
            self._take(sample.rows), options.preparation, options.n_components
        ).tensors

    def _fit_level(
        self, grown: Grown, sizes: np.ndarray, level: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Centroids of all children of a level's nodes, and which of them there are."""
        sample = draw_sample(
            grown.nodes, sizes, self.options.samples_per_node, self.options.seed, level
        )
        groups = sample.groups(max(1, GROUP_BYTES // (2 * self.source.width)))
        before = sum(self.options.node.branching**above for above in range(level))
        parts = []
        for first, last in groups:
            rows, starts = (
                sample.rows[sample.starts[first] : sample.starts[last]],
                sample.starts[first : last + 1],
            )
            fit = _Group(self, grown.preparation, level, first, rows, starts - starts[0], before)
            parts.append(self.checkpoint(f"level-{level}-nodes-{first}", fit.run))
            self.progress(before + last, self.options.nodes)
        centers = np.concatenate([part["centers"] for part in parts])
        return centers, np.concatenate([part["alive"] for part in parts])

    def _settle(
        self, grown: Grown, centers: np.ndarray, alive: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Send every row from its node to the nearest child."""
        branching = self.options.node.branching
        norms = half_norms(centers, alive).reshape(-1, branching)
        settled = np.empty_like(grown.nodes)

        def settle(block: tuple[int, int]) -> float:
            start, stop = block
            try:
                rows = grown.preparation(self.source.read(start, stop))
            except NotFinite as error:
                raise error.refusal(self.source.name(start + error.row)) from None
            turn = np.argsort(grown.nodes[start:stop], kind="stable")
            rows, nodes = rows[turn], grown.nodes[start:stop][turn]
            nearest = child_scores(rows, nodes, centers, norms).argmin(axis=1)
            children = nodes * np.int32(branching) + nearest.astype(np.int32)
            settled[start:stop][turn] = children
            return float(squared_distances(rows, centers[children]).sum(dtype=np.float64))

        inertia = sum(
            self.pool.map(settle, self.source.blocks())
        )  # in the blocks' order, whoever is first
        sizes = np.bincount(settled, minlength=len(centers))
        return {"nodes": settled, "sizes": sizes, "inertia": np.array([inertia])}


@dataclass(frozen=True)
class _Group:
    """Nodes of a level that are fitted in one go: node ``first + i`` on ``rows[starts[i] : starts[i + 1]]``."""

    growth: _Growth
    preparation: Preparation
    level: int
    first: int
    rows: np.ndarray
    starts: np.ndarray
    before: int

    def run(self) -> dict[str, np.ndarray]:
        by_row = np.argsort(self.rows)
        features = self.growth._take(self.rows[by_row])
        place = np.empty_like(by_row)
        place[by_row] = np.arange(len(by_row))
        options = self.growth.options
        count, branching = len(self.starts) - 1, options.node.branching

        def fit(node: int) -> np.ndarray:
            members = place[self.starts[node] : self.starts[node + 1]]
            if not members.size:
                return np.empty((0, self.preparation.width), np.float32)
            seed = np.random.SeedSequence(
                options.seed, spawn_key=path(self.first + node, self.level, branching)
            )
            found = features[
                members
            ]  # compared as they are: a product may tell equal rows apart in the last bit
            different = distinct_rows(found, branching + 1)
            return fit_node(self.preparation(found), different, options.node, seed)

        centers = np.zeros((count, branching, self.preparation.width), np.float32)
        alive = np.zeros((count, branching), bool)
        for node, found in enumerate(self.growth.pool.map(fit, range(count))):
            centers[node, : len(found)] = found
            alive[node, : len(found)] = True
            self.growth.progress(self.before + self.first + node + 1, options.nodes)
        return {"centers": centers.reshape(-1, self.preparation.width), "alive": alive.reshape(-1)}


def path(node: int, level: int, branching: int) -> tuple[int, ...]:
    """Which child to take at every level to come from the root to ``node`` of ``level`` (the root itself is at level 0)."""
    return tuple(node // branching**above % branching for above in reversed(range(level)))


def grow(
    source: FeatureSource,
    options: GrowthOptions,
    pool: Executor,
    checkpoint: Checkpoint,
    progress: Progress | None,
) -> Grown:
    """Grow a tree from ``source``.

    Args:
        pool: threads of ``tree_search.workers``.
        checkpoint: where finished pieces are kept.
        progress: told after every node, in order.

    Raises:
        InputError: a row holds NaN or infinity (it is named), or a file cannot be read.
    """
    with warnings.catch_warnings():  # here and not in the threads, where it would not be safe
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # near-duplicates leave groups empty: they become dead words
        return _Growth(source, options, pool, checkpoint, progress or (lambda done, of: None)).run()
