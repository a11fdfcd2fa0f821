from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.toys.features import blobs
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.projection import NotFinite
from tokenization.hierarchical_kmeans.search import find_words
from tokenization.hierarchical_kmeans.torch_search import BLOCK_ROWS, TorchSearch


@pytest.mark.parametrize("preparation", ["none", "whiten"])
@pytest.mark.parametrize(("method", "beam"), [("tree", 1), ("tree", 4), ("flat", 1)])
def test_torch_finds_the_words_of_numpy(preparation: str, method: str, beam: int) -> None:
    model = HierarchicalKMeans(4, 3, preparation=preparation, n_components=8).fit(blobs())
    features = blobs(BLOCK_ROWS + 100, seed=1)
    words, squares = TorchSearch(model.tree_, "cpu").find_words(
        torch.from_numpy(features), method, beam
    )
    expected, distances = find_words(model.tree_, features, method, beam, distances=True)
    np.testing.assert_array_equal(words, expected)
    np.testing.assert_allclose(squares, distances, rtol=1e-3, atol=1e-4)


def test_a_row_that_is_not_finite_is_counted_from_the_first() -> None:
    search = TorchSearch(HierarchicalKMeans(4, 2).fit(blobs()).tree_, "cpu")
    features = torch.zeros(BLOCK_ROWS + 9, 16)
    features[-2, 3] = torch.inf
    with pytest.raises(NotFinite) as error:
        search.find_words(features, "tree", 1)
    assert error.value.row == BLOCK_ROWS + 7
