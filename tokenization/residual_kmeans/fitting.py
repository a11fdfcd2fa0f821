"""Fits the levels of a residual code one after the other, from features that stay on the disk.

A level draws rows, takes off them the centroids that they have at the levels before, and runs
k-means on what is left. In the end all features are read once, to give every row its word as
``predict`` does. A checkpoint keeps every level once it is finished.
"""

from __future__ import annotations

import warnings
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from tokenization.hierarchical_kmeans.checkpoint import Checkpoint
from tokenization.hierarchical_kmeans.feature_source import FeatureSource
from tokenization.hierarchical_kmeans.growing import (
    PROJECTION_ROWS,
    Grown,
    Progress,
    draw_rows,
    take_rows,
    words_of_rows,
)
from tokenization.hierarchical_kmeans.node import NodeOptions, distinct_rows, fit_node
from tokenization.hierarchical_kmeans.projection import Projection, learn_projection
from tokenization.hierarchical_kmeans.search import squared_distances
from tokenization.hierarchical_kmeans.tree import half_norms
from tokenization.residual_kmeans.codes import Codes


@dataclass(frozen=True)
class LevelOptions:
    """What decides every byte together with the features.

    Attributes:
        depth: levels.
        node: how a level is fitted.
        samples_per_level: the most rows that a level is fitted on.
        seed: decides every draw.
        preparation: one of options.PREPARATIONS.
        n_components: the most principal components.
    """

    depth: int
    node: NodeOptions
    samples_per_level: int
    seed: int
    preparation: str
    n_components: int


def fit_levels(
    source: FeatureSource,
    options: LevelOptions,
    pool: Executor,
    checkpoint: Checkpoint,
    progress: Progress | None,
) -> tuple[Codes, Grown]:
    """Fit all levels, and find the words of the training rows.

    Args:
        source: the features.
        options: how many levels, and how each is fitted.
        pool: threads of ``threads.workers``.
        checkpoint: where finished levels are kept.
        progress: called after every level; the words of the rows count as one more.

    Raises:
        InputError: if a row holds NaN or infinity, or a file cannot be read.
    """
    told = progress or (lambda done, of: None)

    def learn() -> dict[str, np.ndarray]:
        rows = draw_rows(source, PROJECTION_ROWS, options.seed, options.depth)
        features = take_rows(source, rows, pool)
        return learn_projection(features, options.preparation, options.n_components).tensors

    codes = Codes(Projection(**checkpoint("projection", learn)), [], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near-duplicates leave groups empty
        for level in range(options.depth):
            found = checkpoint(f"level-{level}", lambda: _fit_level(source, options, codes, pool))
            codes.centroids.append(found["centroids"])
            codes.present.append(found["present"].astype(bool))
            told(level + 1, options.depth + 1)
    grown = _assign(source, codes, pool, checkpoint)
    told(options.depth + 1, options.depth + 1)
    return codes, grown


def _fit_level(
    source: FeatureSource, options: LevelOptions, codes: Codes, pool: Executor
) -> dict[str, np.ndarray]:
    """Fit the level after those that ``codes`` has."""
    level = len(codes.centroids)
    numbers = draw_rows(source, options.samples_per_level, options.seed, level)
    rows = codes.projection(take_rows(source, numbers, pool))
    for centroids, present in zip(codes.centroids, codes.present, strict=True):
        scores = half_norms(centroids, present) - rows @ centroids.T
        rows -= centroids[scores.argmin(axis=1)]
    distinct = distinct_rows(rows, options.node.branching + 1)
    seed = np.random.SeedSequence(options.seed, spawn_key=(level,))
    found = fit_node(rows, distinct, options.node, seed)
    centroids = np.zeros((options.node.branching, rows.shape[1]), np.float32)
    centroids[: len(found)] = found
    present = np.arange(options.node.branching) < len(found)
    return {"centroids": centroids, "present": present.astype(np.uint8)}


def _assign(source: FeatureSource, codes: Codes, pool: Executor, checkpoint: Checkpoint) -> Grown:
    """Find the word of every row, and count the rows of every sum."""
    tree = codes.tree()

    def assign() -> dict[str, np.ndarray]:
        words, squares = words_of_rows(source, tree, pool)
        return {"words": words, "squares": squares, "inertia": _inertia(words, squares)}

    def _inertia(words: np.ndarray, squares: np.ndarray) -> np.ndarray:
        above = np.zeros(len(tree.centers) - 1)

        def measure(block: tuple[int, int]) -> np.ndarray:
            start, stop = block
            rows = codes.projection(source.read(start, stop))
            found = np.empty(len(above))
            for level in range(len(above)):
                prefix = words[start:stop] // codes.branching ** (len(above) - level)
                near = squared_distances(rows, tree.centers[level][prefix])
                found[level] = near.sum(dtype=np.float64)
            return found

        if len(above):
            above = sum(pool.map(measure, source.blocks()), above)
        return np.array([*above, squares.sum(dtype=np.float64)])

    found = checkpoint("rows", assign)
    counted = codes.tree(np.bincount(found["words"], minlength=len(tree.centers[-1])))
    counted.inertia.extend(found["inertia"].tolist())
    return Grown(counted, found["words"], found["squares"])
