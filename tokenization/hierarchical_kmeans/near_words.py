"""Finds the several words whose centroids are nearest a feature, by comparing it with all."""

from __future__ import annotations

import numpy as np

from tokenization.hierarchical_kmeans.projection import NotFinite
from tokenization.hierarchical_kmeans.tree import Tree

ROWS = 256
"""Rows that are compared at once: with 20,736 words their scores take 21 MB."""


def near_words(
    tree: Tree, features: np.ndarray, words: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the words nearest each row.

    Args:
        tree: the centroids.
        features: [rows, width].
        words: int32 [rows], the word that each row has. It comes first, even where the way down
            the tree missed a nearer one.
        count: words of a row; fewer if fewer are alive.

    Returns:
        Words, int32 [rows, count], the others by their distance; and the distances to their
        centroids in the projected space, float32 [rows, count].

    Raises:
        NotFinite: if a row holds NaN or infinity.
    """
    count = min(count, len(tree.leaves))
    found = np.empty((len(features), count), np.int32)
    distances = np.empty((len(features), count), np.float32)
    for first in range(0, len(features), ROWS):
        here = slice(first, first + ROWS)
        try:
            rows = tree.projection(features[here])
        except NotFinite as error:
            raise NotFinite(first + error.row) from None
        own = np.searchsorted(tree.leaves, words[here])
        scores = tree.leaf_norms - rows @ tree.leaf_centers.T
        np.put_along_axis(scores, own[:, None], -np.inf, axis=1)
        places = np.sort(np.argpartition(scores, count - 1, axis=1)[:, :count], axis=1)
        order = np.take_along_axis(scores, places, axis=1).argsort(axis=1, kind="stable")
        places = np.take_along_axis(places, order, axis=1)
        apart = rows[:, None] - tree.leaf_centers[places]
        found[here] = tree.leaves[places]
        distances[here] = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
    return found, distances
