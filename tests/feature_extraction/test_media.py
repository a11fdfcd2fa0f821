from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feature_extraction.media import declared_seconds, frame_at
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError


def frame_numbers(frames: np.ndarray) -> list[int]:
    """Which frames of a grey ramp these are."""
    return np.round((frames.reshape(len(frames), -1).mean(axis=1) - 10) / 4).astype(int).tolist()


def test_the_header_tells_how_long_a_video_is(tmp_path: Path) -> None:
    assert declared_seconds(write_video(tmp_path / "v.mp4", grey_ramp(60))) == pytest.approx(3)


def test_frame_at_shows_the_frame_of_that_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", grey_ramp(60))
    assert frame_numbers(frame_at(path, 1.02, 64)[None]) == [20]
    assert frame_numbers(frame_at(path, 99.0, 64)[None]) == [59]


def test_frame_at_shows_frames_of_a_long_video(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "v.mp4", np.tile(grey_ramp(60), (15, 1, 1, 1)), rate=1
    )  # frame n is shown at n s
    assert [
        frame_numbers(frame_at(path, second, 64)[None]) for second in (599.0, 700.5, 880.0)
    ] == [[59], [40], [40]]
    assert frame_numbers(frame_at(path, 2000.0, 64)[None]) == [59]


def test_a_frame_is_found_beyond_a_clock_that_starts_again(tmp_path: Path) -> None:
    part = write_video(tmp_path / "a.ts", grey_ramp(60))
    (tmp_path / "b.ts").write_bytes(2 * part.read_bytes())
    assert frame_numbers(frame_at(tmp_path / "b.ts", 4.02, 64)[None]) == [20]


def test_a_file_that_is_not_a_video_has_no_frame(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"text")
    with pytest.raises(InputError, match=r"a\.mp4 cannot be read"):
        frame_at(tmp_path / "a.mp4", 0, 64)
