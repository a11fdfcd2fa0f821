"""Windows of a video: every clip is in one of them."""

from __future__ import annotations

import numpy as np

from videobert.data.clips import Clips
from videobert.data.windows import windows


def clips(starts: list[float]) -> Clips:
    start = np.array(starts, dtype=float)
    features = np.arange(2 * len(start), dtype=np.float16).reshape(-1, 2)
    return Clips(start, start + 1.5, np.arange(len(start)), features)


def test_every_clip_is_in_the_window_of_its_middle() -> None:
    found = list(windows(clips([0, 1.5, 3, 4.5, 6, 7.5]), 4))
    assert [each.words.tolist() for each in found] == [[0, 1, 2], [3, 4], [5]]
    assert found[1].start.tolist() == [4.5, 6] and found[2].end.tolist() == [9]
    features = [each.features for each in found]
    assert np.concatenate(features).tolist() == clips([0] * 6).features.tolist()


def test_a_gap_makes_no_empty_window() -> None:
    found = list(windows(clips([0, 60]), 6))
    assert [each.start.tolist() for each in found] == [[0], [60]]


def test_a_window_shorter_than_a_clip_has_one_clip() -> None:
    assert [len(each) for each in windows(clips([0, 1.5, 3]), 0.1)] == [1, 1, 1]


def test_without_features_there_are_none() -> None:
    one = clips([0])
    assert next(windows(Clips(one.start, one.end, one.words), 6)).features is None
