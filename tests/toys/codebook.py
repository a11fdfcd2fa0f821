"""Small codebooks without pictures."""

from __future__ import annotations

import numpy as np

from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES

WIDTH = 8
"""Numbers per feature."""
MADE_WITH = {"made": "up"}
LIVING, WORDS = 7, 8
"""Visual words with and without the dead one of codebook_with_a_dead_word."""


def toy_codebook(seed: int = 0) -> Codebook:
    """Return nine visual words of features of eight numbers."""
    features = np.random.default_rng(seed).normal(size=(90, WIDTH)).astype(np.float32)
    return _codebook(HierarchicalKMeans(3, 2).fit(features), MADE_WITH)


def codebook_with_a_dead_word() -> Codebook:
    """Return eight visual words of features of one number; nothing lies nearest to one of them."""
    points = np.array([0, 1, 10, 11, 100, 101, 110], dtype=np.float32)[:, None]
    tree = HierarchicalKMeans(branching=2, depth=3).fit(points)
    assert len(tree.dead_words_) == WORDS - LIVING
    return _codebook(tree, {})


def _codebook(tree: HierarchicalKMeans, made_with: dict[str, str]) -> Codebook:
    return Codebook(tree, {"features": made_with}, PICTURES.empty_table())
