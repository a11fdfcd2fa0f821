"""The figures of a codebook, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.codebook import jpeg, with_pictures
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.inspection import inspect_codebook


def test_figures_are_those_counted_by_hand(deadly: Codebook) -> None:
    report = inspect_codebook(deadly)
    assert (report.words, report.words_in_use, report.dead_words, report.pictures) == (9, 4, 5, 4)
    shares = np.array([1, 2, 3, 10]) / 16
    assert report.perplexity == pytest.approx(np.prod(shares**-shares))
    words = report.levels[1]
    assert (words.level, words.nodes, words.smallest, words.median, words.largest) == (
        2,
        4,
        1,
        2.5,
        10,
    )
    assert (words.inertia, words.share) == (0, 0)


def test_a_level_adds_up_the_distances_to_its_nodes(deadly: Codebook) -> None:
    first = inspect_codebook(deadly).levels[
        0
    ]  # {(0, 0), 2 x (0, 1)}, {3 x (9, 0)}, {10 x (50, 50)}
    assert (first.level, first.nodes, first.smallest, first.median, first.largest) == (
        1,
        3,
        3,
        3,
        10,
    )
    assert first.inertia == pytest.approx((2 / 3) ** 2 + 2 * (1 / 3) ** 2, rel=1e-4)
    assert first.share == 1


def test_even_words_have_their_number_as_perplexity_and_no_inertia_is_whole() -> None:
    points = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    report = inspect_codebook(with_pictures(HierarchicalKMeans(3, 2).fit(points), ["one"]))
    assert report.perplexity == pytest.approx(3)
    assert [level.share for level in report.levels] == [1, 1]


def test_a_word_without_a_picture_is_not_counted_as_pictured(lively: Codebook) -> None:
    blind = with_pictures(lively.tree, ["one"], [None, jpeg(1)])
    assert inspect_codebook(blind).pictures == lively.pictures.num_rows // 2
