"""Ranks, and how sure a share is."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.evaluation.accuracy import Accuracy, accuracy, top_k_hits


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


def test_the_interval_is_that_of_a_share() -> None:
    hits = np.arange(400) < 120
    found = accuracy(hits, np.arange(400))
    half = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - half, abs=0.01) and found.high == pytest.approx(
        0.3 + half, abs=0.01
    )
    assert accuracy(hits, np.arange(400)) == found != accuracy(hits, np.arange(400), seed=1)


def test_segments_of_one_video_are_not_taken_for_many_videos() -> None:
    hits = np.repeat(np.arange(20) < 6, 20)  # all of a video right, or none
    alone, together = accuracy(hits, np.arange(400)), accuracy(hits, np.repeat(np.arange(20), 20))
    assert together.value == alone.value
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_videos_count_by_their_segments() -> None:
    found = accuracy(np.array([True] * 9 + [False]), np.array(["long"] * 9 + ["short"]))
    assert (found.value, found.low, found.high) == (
        0.9,
        0,
        1,
    )  # both drawn, only the short one, only the long one


def test_one_video_alone_is_no_certainty() -> None:
    found = accuracy(np.array([True, False]), np.array(["one", "one"]))
    assert (found.value, found.low, found.high) == (0.5, 0, 1) and str(found) == "50.0 (0-100)"


def test_it_reads_as_per_cent() -> None:
    assert str(Accuracy(0.25, 0.25, 0.25)) == "25.0"
    assert str(accuracy(np.arange(400) < 120, np.arange(400))) == "30.0 (26-34)"
