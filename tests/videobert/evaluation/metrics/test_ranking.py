"""Where right answers stand."""

from __future__ import annotations

import numpy as np

from videobert.evaluation.metrics.ranking import mean_ranks, top_k_hits


def test_the_rank_is_that_of_the_best_right_answer() -> None:
    scores = np.array([[9.0, 8, 7, 6], [1, 2, 3, 4], [5, 5, 5, 5]])
    right = np.array([[0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]], dtype=bool)
    assert mean_ranks(scores, right).tolist() == [3, 1, 2.5]


def test_the_rank_of_what_is_no_number_is_behind_all_others() -> None:
    right = np.array([[1, 0, 0]], dtype=bool)
    assert (
        mean_ranks(np.full((1, 3), np.nan), right) == 4
        and mean_ranks(np.array([[2, np.nan, 1]]), right) == 2
    )


def test_hits_are_those_of_a_sorted_list() -> None:
    random = np.random.default_rng(0)
    scores, truth = random.integers(0, 6, (200, 9)).astype(float), random.integers(0, 9, 200)
    for k in (1, 3, 5, 9, 20):
        ranked = [
            sorted(range(9), key=lambda label, row=row: (-row[label], label))[:k] for row in scores
        ]
        assert top_k_hits(scores, truth, k).tolist() == [
            label in best for label, best in zip(truth, ranked, strict=True)
        ]


def test_the_best_label_counts_as_the_first() -> None:
    scores = np.array([[0.1, 0.7, 0.2]])  # an earlier re-implementation dropped its best noun
    assert [top_k_hits(scores, [1], k).mean() for k in (1, 2)] == [1, 1]
    assert [top_k_hits(scores, [2], k).mean() for k in (1, 2)] == [0, 1]


def test_a_constant_row_is_right_only_for_the_first_labels() -> None:
    assert top_k_hits(np.zeros((4, 4)), np.arange(4), 1).mean() == 0.25
    assert top_k_hits(np.zeros((4, 4)), np.arange(4), 3).mean() == 0.75


def test_what_is_no_number_is_never_right() -> None:
    scores = np.array([[np.nan] * 5, [np.nan, 1, 0, 0, 0]])
    assert not top_k_hits(scores, [3, 2], 2).any() and top_k_hits(scores, [3, 1], 2).tolist() == [
        False,
        True,
    ]
