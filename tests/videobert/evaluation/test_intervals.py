"""How sure a mean is."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.evaluation.intervals import Estimate, estimate


def test_the_interval_is_that_of_a_share() -> None:
    hits = np.arange(400) < 120
    found = estimate(hits, np.arange(400))
    half = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - half, abs=0.01) and found.high == pytest.approx(
        0.3 + half, abs=0.01
    )
    assert estimate(hits, np.arange(400)) == found != estimate(hits, np.arange(400), seed=1)


def test_segments_of_one_video_are_not_taken_for_many_videos() -> None:
    hits = np.repeat(np.arange(20) < 6, 20)  # all of a video right, or none
    alone, together = estimate(hits, np.arange(400)), estimate(hits, np.repeat(np.arange(20), 20))
    assert together.value == alone.value
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_videos_count_by_their_segments() -> None:
    found = estimate(np.array([True] * 9 + [False]), np.array(["long"] * 9 + ["short"]))
    assert (found.value, found.low, found.high) == (
        0.9,
        0,
        1,
    )  # both drawn, only the short one, only the long one


def test_one_video_alone_is_no_certainty() -> None:
    found = estimate(np.array([True, False]), np.array(["one", "one"]))
    assert (found.value, found.low, found.high) == (0.5, 0, 1) and str(found) == "50.0 (0-100)"


def test_it_reads_as_per_cent() -> None:
    assert str(Estimate(0.25, 0.25, 0.25)) == "25.0"
    assert str(estimate(np.arange(400) < 120, np.arange(400))) == "30.0 (26-34)"
