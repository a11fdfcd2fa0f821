"""The words nearest a feature are those that comparing it with every centroid finds."""

from __future__ import annotations

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.near_words import ROWS, near_words
from tokenization.hierarchical_kmeans.projection import NotFinite


def test_they_are_the_nearest_of_all_living_words_after_the_clips_own() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(ROWS + 40, 6)), np.zeros((20, 6))])
    features = features.astype(np.float32)
    model = HierarchicalKMeans(4, 2, preparation="pca", n_components=5).fit(features)
    own = model.predict(features)
    words, distances = near_words(model.tree_, features, own, 3)
    tree = model.tree_
    apart = np.linalg.norm(
        tree.projection(features)[:, None] - tree.centers[-1][tree.leaves][None], axis=2
    )
    assert words.shape == distances.shape == (len(features), 3) and words.dtype == np.int32
    for row, (found, far) in enumerate(zip(words, distances, strict=True)):
        others = apart[row][tree.leaves != own[row]]
        assert found[0] == own[row]
        assert np.allclose(far[1:], np.sort(others)[:2], atol=1e-3)
        assert np.allclose(far, apart[row][np.searchsorted(tree.leaves, found)], atol=1e-3)


def test_there_are_no_more_than_are_alive() -> None:
    points = np.array([0, 1, 10, 11, 100, 101, 110], dtype=np.float32)[:, None]
    model = HierarchicalKMeans(branching=2, depth=3).fit(points)
    words, _ = near_words(model.tree_, points, model.predict(points), 50)
    alive = sorted(set(range(8)) - set(model.dead_words_.tolist()))
    assert all(sorted(row) == alive for row in words.tolist())


def test_a_row_that_is_no_number_is_named() -> None:
    points = np.arange(2 * ROWS, dtype=np.float32)[:, None]
    model = HierarchicalKMeans(2, 2).fit(points)
    own = model.predict(points)
    points[ROWS + 7] = np.nan
    with pytest.raises(NotFinite) as refusal:
        near_words(model.tree_, points, own, 2)
    assert refusal.value.row == ROWS + 7
