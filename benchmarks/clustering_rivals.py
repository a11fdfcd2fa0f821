"""What one would use instead of HierarchicalKMeans, for benchmarks/clustering.py."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from benchmarks.machine import timed

BRANCHING = 12


def recursive_minibatch(features: np.ndarray, depth: int, seed: int = 0) -> float:
    """Fit the obvious recursion of MiniBatchKMeans; return the inertia of the leaves."""
    if len(features) <= BRANCHING:
        return 0.0  # each its own word
    model = MiniBatchKMeans(BRANCHING, random_state=seed).fit(features)
    if depth == 1:
        return float(model.inertia_)
    return sum(
        recursive_minibatch(features[model.labels_ == child], depth - 1, seed)
        for child in range(BRANCHING)
    )


def package_minibatch(features: np.ndarray, folder: Path) -> tuple[float, float]:
    """Fit hkmeans-minibatch 1.0.2 with its own defaults at depth 2.

    Returns:
        Seconds, and the inertia with respect to its nearest centroids.
    """
    from hkmeans_minibatch.hkmeans import hkmeans

    given, between, out = (folder / name for name in ("given", "between", "out"))
    for path in (given, between, out):
        path.mkdir(parents=True)
    for number, part in enumerate(np.array_split(features, 20)):
        np.save(given / f"video-{number}.npy", part)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        seconds, _ = timed(
            lambda: hkmeans(given, "video", 2, BRANCHING, 500, 15, str(between), "vecs", str(out))
        )
    centers = np.concatenate([np.load(path) for path in sorted(out.glob("*.npy"))]).astype(
        np.float32
    )
    return seconds, inertia(features, centers, flat_argmin(features, centers))


def flat_argmin(features: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Find the nearest of all centroids, exactly, with one product of matrices per block."""
    norms = np.einsum("ij,ij->i", centers, centers) / 2
    blocks = (features[start : start + 512] for start in range(0, len(features), 512))
    words = [(norms - block @ centers.T).argmin(axis=1) for block in blocks]
    return np.concatenate(words)


def inertia(features: np.ndarray, centers: np.ndarray, words: np.ndarray) -> float:
    """Sum the squared distances of rows to the centroids of their words."""
    blocks = range(0, len(features), 4096)
    return sum(
        float(
            np.square(features[b : b + 4096] - centers[words[b : b + 4096]]).sum(dtype=np.float64)
        )
        for b in blocks
    )
