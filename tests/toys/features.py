"""Features that lie in groups within groups, and all that a tree learnt of them."""

from __future__ import annotations

import numpy as np

from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans


def blobs(rows: int = 600, width: int = 16, seed: int = 0) -> np.ndarray:
    """Return groups within groups, float16 [rows, width], far from the origin."""
    random = np.random.default_rng(seed)
    places = 8 * random.standard_normal((4, width)), 2 * random.standard_normal((4, 4, width))
    outer, inner = random.integers(0, 4, (2, rows))
    return (
        20 + places[0][outer] + places[1][outer, inner] + random.standard_normal((rows, width))
    ).astype(np.float16)


def made_of(model: HierarchicalKMeans) -> bytes:
    """Return all bytes that were learnt."""
    levels = [
        *model.cluster_centers_,
        *model.sizes_,
        model.labels_,
        np.array(model.inertia_by_level_),
    ]
    return b"".join(array.tobytes() for array in levels)
