from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.errors import InputError
from feature_extraction.video import FrameSize, frame_at, stream_clips
from tests.conftest import grey_ramp, write_video

SMALL = FrameSize(resize=64, crop=64)


def frame_numbers(frames: np.ndarray) -> list[int]:
    """Which frames of a grey ramp these are."""
    return np.round((frames.reshape(len(frames), -1).mean(axis=1) - 10) / 4).astype(int).tolist()


def test_a_clip_is_thirty_frames_of_one_and_a_half_seconds(tmp_path: Path) -> None:
    clips = list(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(60)), SMALL))
    assert [(clip.index, clip.start, clip.end) for clip in clips] == [(0, 0.0, 1.5), (1, 1.5, 3.0)]
    assert clips[0].frames.shape == (30, 64, 64, 3)
    assert frame_numbers(clips[0].frames) == list(range(30))
    assert frame_numbers(clips[1].frames) == list(range(30, 60))


def test_the_frame_shown_is_the_last_at_or_before_the_sample(tmp_path: Path) -> None:
    # 30 frames a second: the samples at 0, 50, 100, 150 ms fall on frames 0, 1 (33 ms), 3 (100 ms), 4 (133 ms).
    clip = next(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(60), rate=30), SMALL))
    assert frame_numbers(clip.frames) == [k * 30 // 20 for k in range(30)]


def test_variable_frame_rate_follows_the_presentation_times(tmp_path: Path) -> None:
    times = [0, 2, 3, 10, 25]
    clip = next(stream_clips(write_video(tmp_path / "v.mkv", grey_ramp(5), times=times), SMALL))
    expected = [max(number for number, time in enumerate(times) if time <= tick) for tick in range(26)]
    assert frame_numbers(clip.frames)[:26] == expected


@pytest.mark.parametrize(("frames", "clips", "end"), [(44, 1, 1.5), (45, 2, 2.25), (7, 1, 0.35), (1, 1, 0.05)])
def test_the_last_clip_is_padded_from_its_half_on(tmp_path: Path, frames: int, clips: int, end: float) -> None:
    found = list(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(frames)), SMALL))
    assert len(found) == clips
    assert found[-1].end == pytest.approx(end)
    shown = frame_numbers(found[-1].frames)
    first = (clips - 1) * 30
    assert shown == [min(first + tick, frames - 1) for tick in range(30)]


def test_the_middle_is_cropped_after_squeezing(tmp_path: Path) -> None:
    frames = np.zeros((30, 64, 128, 3), dtype=np.uint8)
    frames[:, 16:48, 32:96] = 255
    clip = next(stream_clips(write_video(tmp_path / "v.mp4", frames), FrameSize(resize=64, crop=32)))
    assert clip.frames.mean() > 240


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_rotation_is_applied(shared_data: Path, clockwise: int) -> None:
    """The files are of one keyboard, held four ways; each is tagged with the turn that sets its letters upright."""
    path = shared_data / "video" / "decord" / "tests" / "test_data" / f"video_{clockwise}.mov"
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).reformat(96, 96, "rgb24").to_ndarray().astype(int)
    shown = next(stream_clips(path, FrameSize(96, 96))).frames[0].astype(int)
    errors = [np.abs(shown - np.rot90(stored, turns)).mean() for turns in range(4)]
    assert np.argmin(errors) == (-clockwise // 90) % 4 and min(errors) < 2
    assert frame_at(path, 0.0, 96).shape == ((96, 54, 3) if clockwise in (90, 270) else (96, 170, 3))


def test_a_real_kitchen_gives_seven_clips(shared_data: Path) -> None:
    clips = list(stream_clips(shared_data / "video" / "decord" / "examples" / "flipping_a_pancake.mkv"))
    assert [clip.start for clip in clips] == [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0]
    last = clips[-1]
    assert 10.3 < last.end < 10.45
    padding = last.frames[round((last.end - last.start) * 20) :]
    assert len(padding) and (padding == padding[0]).all()


@pytest.mark.parametrize("content", [b"", b"this is no video", b"\x00" * 4096, b"#EXTM3U\n#EXTINF:1,\nother.mp4\n"])
def test_what_is_no_video_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.mp4"):
        next(stream_clips(path))


def test_a_file_without_pictures_is_refused(shared_data: Path) -> None:
    with pytest.raises(InputError, match=r"manifesto_audio\.mp3"):
        next(stream_clips(shared_data / "video" / "videogrep" / "manifesto_audio.mp3"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        next(stream_clips(tmp_path / "absent.mp4"))


def test_frame_at_shows_the_frame_of_that_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", grey_ramp(60))
    assert frame_numbers(frame_at(path, 1.02, 64)[None]) == [20]
    assert frame_numbers(frame_at(path, 99.0, 64)[None]) == [59]
