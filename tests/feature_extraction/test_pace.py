from __future__ import annotations

import pytest

from feature_extraction.pace import CLIP_FRAMES, CLIP_SECONDS, FRAMES_PER_SECOND, Pace, clip_seconds
from workfolder.errors import InputError


def test_the_default_is_the_papers() -> None:
    assert Pace() == Pace(CLIP_SECONDS, FRAMES_PER_SECOND) and Pace().clip_frames == CLIP_FRAMES
    assert (CLIP_SECONDS, FRAMES_PER_SECOND, CLIP_FRAMES) == (1.5, 20, 30)


@pytest.mark.parametrize(
    ("seconds", "rate", "frames"),
    [(2, 8, 16), (0.7, 10, 7), (3, 1 / 3, 1), (1.5, 29.97 / 1.5, None)],
)
def test_a_clip_has_a_whole_number_of_frames(
    seconds: float, rate: float, frames: int | None
) -> None:
    if frames is None:
        with pytest.raises(InputError, match=r"19\.98 frames a second has 29\.97 frames: change"):
            Pace(seconds, rate)
    else:
        assert Pace(seconds, rate).clip_frames == frames


@pytest.mark.parametrize(("seconds", "rate"), [(0.01, 0.01), (600, 1)])
def test_a_clip_of_no_frame_or_too_many_is_refused(seconds: float, rate: float) -> None:
    with pytest.raises(InputError, match=r"--clip-seconds or --frames-per-second"):
        Pace(seconds, rate)


def test_what_is_noted_tells_the_seconds_of_a_clip() -> None:
    assert Pace().provenance() == {"frames_per_second": 20, "clip_frames": 30}
    for pace in (Pace(), Pace(0.7, 10), Pace(3, 1 / 3)):
        assert clip_seconds(pace.provenance()) == pytest.approx(pace.clip_seconds, abs=1e-12)
    assert clip_seconds({"imported": True, "seconds": 2.0, "step": 0.5}) == 0.5
