from __future__ import annotations

import pytest

from feature_extraction.containers import LONGEST_FRAME, LONGEST_VIDEO
from feature_extraction.seeing.frame import Clock, Damage


def test_no_frame_is_shown_before_the_one_before_it() -> None:
    clock = Clock()
    assert [clock.at(time, 0.04) for time in (0.0, 0.04, 0.03, 0.08)] == [0.0, 0.04, 0.04, 0.08]
    assert clock.behind == 0


def test_a_frame_without_a_time_follows_the_one_before_it() -> None:
    clock = Clock()
    assert [clock.at(time, 0.5) for time in (1.0, None, None)] == [1.0, 1.0, 1.5]
    assert clock.latest == 2.0


def test_frames_that_are_a_second_behind_are_counted() -> None:
    clock = Clock()
    assert [clock.at(time, 0.04) for time in (5.0, 3.9, 4.1, 5.1)] == [5.0, 5.0, 5.0, 5.1]
    assert clock.behind == 1


def test_a_time_that_cannot_be_true_ends_the_video() -> None:
    assert Clock().at(LONGEST_FRAME, 0.04) == LONGEST_FRAME
    with pytest.raises(Damage, match=r"^jumps from 0\.0 s to 601\.0 s$"):
        Clock().at(LONGEST_FRAME + 1, 0.04)
    with pytest.raises(Damage, match=r"^goes on after 24 hours$"):
        Clock(LONGEST_VIDEO).at(LONGEST_VIDEO + 1, 0.04)
