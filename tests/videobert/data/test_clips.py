"""The clips of a stretch."""

from __future__ import annotations

import numpy as np

from videobert.data.clips import Clips


def test_clips_belong_to_the_segment_that_shows_their_middle() -> None:
    starts = np.arange(0, 9, 1.5)
    clips = Clips(starts, starts + 1.5, np.arange(6))
    assert clips.within(1.5, 4.5).words.tolist() == [1, 2]
    assert clips.within(3.0, 3.5).words.tolist() == [2]  # too short for a middle
    assert len(clips.within(20, 30)) == len(clips.within(5, 2)) == 0
