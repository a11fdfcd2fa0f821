from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tests.toys.model import make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_stretches
from videobert.answers.alignment import sentence_scores
from videobert.answers.options import SearchOptions
from videobert.answers.search import by_transcripts
from videobert.answers.whole_videos import search_videos, weighted_best

ODDS = {0: 3.0, 1: 1.5, 2: -1.0, 3: -3.0, 4: 0.0}
"""Log odds of a stretch, by its visual word."""
STRETCHES = make_stretches(
    ("a", "fry the onion", [0]),
    ("a", "wash the pan", [3]),
    ("b", "boil the egg", [1]),
    ("b", "boil the egg", [1]),
    ("b", "chop the carrot", [1]),
    ("c", "fry the onion", [2]),
)


@pytest.fixture
def network() -> StandIn:
    return StandIn(make_processor(), odds=lambda text, words: ODDS[words[0] or 0])


def test_the_best_stretches_of_a_video_count_by_hand(network: StandIn) -> None:
    how = SearchOptions(best=2, weight=1.0, whole_videos=True)
    found = search_videos(network.model, STRETCHES, "fry the onion", how=how, judge=sentence_scores)
    odds = np.array([3.0, -3.0, 1.5, 1.5, 1.5, -1.0])
    z = (odds - odds.mean()) / odds.std()
    expected = {
        "a": (z[0] + z[1] / 2) / 1.5,
        "b": (z[2] + z[3] / 2) / 1.5,
        "c": z[5],  # fewer stretches than two: what is there
    }
    assert [hit.video_id for hit in found] == sorted(expected, key=lambda v: -expected[v])
    for hit in found:
        assert hit.score == pytest.approx(norm.cdf(expected[hit.video_id]), abs=1e-5)
    assert dict((hit.video_id, hit.stretches) for hit in found)["a"] == [(0.0, 6.0), (6.0, 12.0)]


def test_more_stretches_change_the_order(network: StandIn) -> None:
    one, three = (
        [
            hit.video_id
            for hit in search_videos(
                network.model,
                STRETCHES,
                "fry the onion",
                how=SearchOptions(best=n, weight=1.0),
                judge=sentence_scores,
            )
        ]
        for n in (1, 3)
    )
    assert one == ["a", "b", "c"] and three == ["b", "a", "c"]


def test_bm25_chooses_the_candidates_and_has_its_share(network: StandIn) -> None:
    first = by_transcripts(STRETCHES)
    how = SearchOptions(candidates=2, weight=0.0)
    found = search_videos(
        network.model, STRETCHES, "fry the onion", first, how, judge=sentence_scores
    )
    assert [hit.video_id for hit in found] == ["c", "a"]  # all of c is about it, half of a
    assert not any(words == [1] for _, words in network.read)  # b is no candidate


def test_the_first_weight_is_one_and_the_next_a_half() -> None:
    assert weighted_best(np.array([4.0])) == 4.0
    assert weighted_best(np.array([3.0, 0.0, -3.0])) == pytest.approx((3 - 1) / (1 + 1 / 2 + 1 / 3))
