from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from feature_extraction.media import frame_at
from feature_extraction.pace import Pace
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.pyav_video import PyavFrame
from feature_extraction.seeing.scaling import Scaler
from tests.toys.videos import B_FRAMES, add_video, grey_ramp, write_video
from workfolder.errors import InputError

SMALL = FrameSize(resize=64, crop=64)


def frame_numbers(frames: np.ndarray) -> list[int]:
    """Which frames of a grey ramp these are."""
    return np.round((frames.reshape(len(frames), -1).mean(axis=1) - 10) / 4).astype(int).tolist()


def first_clip(path: Path, size: FrameSize = SMALL) -> np.ndarray:
    return next(stream_clips(path, size)).frames


def write_pictures(
    path: Path, frames: np.ndarray, first: int = 0, codec: str = "libx264", **given: object
) -> Path:
    """Write frames from tick ``first`` on, with B-frames where the codec has them."""
    options = B_FRAMES | ({"b": "0"} if "vpx" in codec else {})
    times = range(first, first + len(frames))
    given = {"options": options, "colours": ColorRange.MPEG} | given
    return write_video(path, frames, times=times, codec=codec, **given)


def plain(colour: tuple[int, int, int], height: int = 64, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (30, height, width, 3))


def test_a_clip_is_thirty_frames_of_one_and_a_half_seconds(tmp_path: Path) -> None:
    clips = list(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(60)), SMALL))
    assert [(clip.index, clip.start, clip.end) for clip in clips] == [(0, 0.0, 1.5), (1, 1.5, 3.0)]
    assert clips[0].frames.shape == (30, 64, 64, 3)
    assert frame_numbers(clips[0].frames) == list(range(30))
    assert frame_numbers(clips[1].frames) == list(range(30, 60))


def test_the_frame_shown_is_the_last_at_or_before_the_sample(tmp_path: Path) -> None:
    # 30 frames a second: the samples at 0, 50, 100, 150 ms fall on frames 0, 1, 3 and 4,
    # which are shown at 0, 33, 100 and 133 ms.
    clip = next(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(60), rate=30), SMALL))
    assert frame_numbers(clip.frames) == [k * 30 // 20 for k in range(30)]


def test_variable_frame_rate_follows_the_presentation_times(tmp_path: Path) -> None:
    times = [0, 2, 3, 10, 25]
    clip = next(stream_clips(write_video(tmp_path / "v.mkv", grey_ramp(5), times=times), SMALL))
    expected = [
        max(number for number, time in enumerate(times) if time <= tick) for tick in range(26)
    ]
    assert frame_numbers(clip.frames)[:26] == expected


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.flv", "v.ts"])
def test_times_count_from_the_start_of_the_file(tmp_path: Path, name: str) -> None:
    clips = list(stream_clips(write_pictures(tmp_path / name, grey_ramp(60), first=50), SMALL))
    assert [clip.end for clip in clips] == [1.5, 3.0]
    assert frame_numbers(np.concatenate([clip.frames for clip in clips])) == list(range(60))


def test_where_sound_comes_first_the_first_picture_stands_until_the_second(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        write = add_video(container, grey_ramp(30), times=range(10, 40), options=B_FRAMES)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 32000), np.int16), layout="mono")
        silence.sample_rate, silence.pts = 16000, 0
        container.mux(sound.encode(silence))
        write()
    assert frame_numbers(first_clip(tmp_path / "v.mkv")) == [0] * 10 + list(range(20))


@pytest.mark.parametrize(
    ("frames", "clips", "end"), [(44, 1, 1.5), (45, 2, 2.25), (7, 1, 0.35), (1, 1, 0.05)]
)
def test_the_last_clip_is_padded_from_its_half_on(
    tmp_path: Path, frames: int, clips: int, end: float
) -> None:
    found = list(stream_clips(write_video(tmp_path / "v.mp4", grey_ramp(frames)), SMALL))
    assert len(found) == clips
    assert found[-1].end == pytest.approx(end)
    shown = frame_numbers(found[-1].frames)
    first = (clips - 1) * 30
    assert shown == [min(first + tick, frames - 1) for tick in range(30)]


def test_another_pace_cuts_and_samples_as_it_says(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", grey_ramp(60))
    clips = list(stream_clips(path, SMALL, pace=Pace(clip_seconds=0.8, frames_per_second=5)))
    assert [(clip.start, clip.end) for clip in clips] == [
        pytest.approx((0.8 * n, min(0.8 * n + 0.8, 3.0))) for n in range(4)
    ]
    shown = [frame_numbers(clip.frames) for clip in clips]
    assert shown == [[0, 4, 8, 12], [16, 20, 24, 28], [32, 36, 40, 44], [48, 52, 56, 56]]


def test_only_the_frames_that_are_looked_at_are_resized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "v.mp4", grey_ramp(50))
    whole = list(stream_clips(path, SMALL))
    resized: list[float] = []
    picture = PyavFrame.picture

    def counted(frame: PyavFrame) -> np.ndarray:
        resized.append(frame.time)
        return picture(frame)

    monkeypatch.setattr(PyavFrame, "picture", counted)
    numbers = (0, 14, 14, 29)
    picked = list(stream_clips(path, SMALL, looked_at=numbers))
    assert [clip.end for clip in picked] == [clip.end for clip in whole] == [1.5, 2.5]
    for some, every in zip(picked, whole, strict=True):
        assert (some.frames == every.frames[list(numbers)]).all()
    assert resized == pytest.approx([0, 0.7, 1.45, 1.5, 2.2, 2.45])


def test_the_middle_is_cropped_after_squeezing(tmp_path: Path) -> None:
    frames = np.zeros((30, 64, 128, 3), dtype=np.uint8)
    frames[:, 16:48, 32:96] = 255
    clip = next(
        stream_clips(write_video(tmp_path / "v.mp4", frames), FrameSize(resize=64, crop=32))
    )
    assert clip.frames.mean() > 240


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_rotation_is_applied(shared_data: Path, clockwise: int) -> None:
    """The files show one keyboard, held four ways; each tells which turn makes it upright."""
    path = shared_data / "video" / "decord" / "tests" / "test_data" / f"video_{clockwise}.mov"
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).reformat(96, 96, "rgb24").to_ndarray().astype(int)
    shown = next(stream_clips(path, FrameSize(96, 96))).frames[0].astype(int)
    errors = [np.abs(shown - np.rot90(stored, turns)).mean() for turns in range(4)]
    assert np.argmin(errors) == (-clockwise // 90) % 4 and min(errors) < 2
    assert frame_at(path, 0.0, 96).shape == (
        (96, 54, 3) if clockwise in (90, 270) else (96, 170, 3)
    )


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv444p"), ("ffv1", "yuv420p")])
def test_odd_sizes(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    frames = plain((200, 40, 40), 37, 65).copy()
    frames[:, :, 33:] = (40, 40, 200)
    shown = first_clip(write_pictures(tmp_path / "v.mkv", frames, codec=codec, pix_fmt=pix_fmt))
    assert shown.shape == (30, 64, 64, 3)
    assert np.abs(shown[:, :, :28].astype(int) - (200, 40, 40)).max() < 8
    assert np.abs(shown[:, :, 36:].astype(int) - (40, 40, 200)).max() < 8


def test_proportions_are_kept_where_asked_for(tmp_path: Path) -> None:
    frames = np.zeros((30, 64, 128, 3), dtype=np.uint8)
    frames[:, 16:48, 48:80] = 255
    path = write_video(tmp_path / "v.mp4", frames)
    for squeeze, wide in ((False, 32), (True, 16)):
        shown = first_clip(path, FrameSize(64, 64, squeeze))[0, :, :, 0] > 128
        assert (shown.any(axis=0).sum(), shown.any(axis=1).sum()) == (wide, 32)


def test_a_stream_may_change_its_size_and_its_coding_in_its_middle() -> None:
    scaler = Scaler(lambda *_: (64, 64))
    for height, width, pix_fmt in (
        (64, 64, "yuv420p"),
        (48, 96, "yuv420p"),
        (48, 96, "yuv422p10le"),
        (64, 64, "gray"),
    ):
        frame = av.VideoFrame.from_ndarray(
            np.full((height, width, 3), 128, np.uint8), format="rgb24"
        ).reformat(format=pix_fmt)
        frame.time_base = Fraction(1, 20)
        assert np.abs(scaler(frame).astype(int) - 128).max() < 4


@pytest.mark.parametrize("name", ["h264_10bits.mp4", "h265_10bits.mp4"])
def test_ten_bits_are_shown_as_eight(shared_data: Path, name: str) -> None:
    path = shared_data / "video" / "torchcodec" / name
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0))
        assert stored.format.name == "yuv420p10le"
        eight = Scaler(lambda *_: (64, 64))(stored.reformat(format="yuv420p")).astype(int)
    assert np.abs(first_clip(path)[0] - eight).max() < 8


FULL, LIMITED = ColorRange.JPEG, ColorRange.MPEG


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "colours"),
    [
        ("v.mp4", "libx264", "yuv420p", LIMITED),
        ("v.mp4", "libx264", "yuvj420p", FULL),
        ("v.mp4", "libx264", "yuv420p10le", LIMITED),
        ("v.mp4", "libx264", "yuv420p10le", FULL),
        ("v.webm", "libvpx-vp9", "yuv420p", LIMITED),
        ("v.webm", "libvpx-vp9", "yuv420p", FULL),
    ],
)
def test_black_is_black_and_white_is_white_in_either_range(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, colours: ColorRange
) -> None:
    levels = np.linspace(0, 255, 30).round().astype(np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (30, 64, 64, 3))
    shown = first_clip(
        write_pictures(tmp_path / name, frames, codec=codec, pix_fmt=pix_fmt, colours=colours)
    )
    assert np.abs(shown.reshape(30, -1).mean(axis=1) - levels).max() < 4


def test_full_range_by_the_formula_of_its_standard(shared_data: Path) -> None:
    path = shared_data / "video" / "torchcodec" / "bt709_full_range.mp4"
    with av.open(str(path)) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    y, (u, v) = planes[:720].mean(), planes[720:].reshape(2, -1).mean(axis=1) - 128
    expected = (y + 1.5748 * v, y - 0.1873 * u - 0.4681 * v, y + 1.8556 * u)
    # The corners of the cube are clipped, so that the means are not quite the mean's colour.
    assert first_clip(path, FrameSize(256, 256))[0].reshape(-1, 3).mean(axis=0) == pytest.approx(
        expected, abs=3
    )


def test_a_real_kitchen_gives_seven_clips(shared_data: Path) -> None:
    clips = list(
        stream_clips(shared_data / "video" / "decord" / "examples" / "flipping_a_pancake.mkv")
    )
    assert [clip.start for clip in clips] == [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0]
    last = clips[-1]
    assert 10.3 < last.end < 10.45
    padding = last.frames[round((last.end - last.start) * 20) :]
    assert len(padding) and (padding == padding[0]).all()


@pytest.mark.parametrize(
    "content", [b"", b"this is no video", b"\x00" * 4096, b"#EXTM3U\n#EXTINF:1,\nother.mp4\n"]
)
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


def ending(path: Path) -> tuple[str | None, dict[str, int]]:
    reading = stream_clips(path, SMALL)
    while True:
        try:
            next(reading)
        except StopIteration as stop:
            return stop.value


def test_a_picture_that_stands_for_minutes_makes_a_video_partial(tmp_path: Path) -> None:
    times = [*range(40), *range(40 + 300 * 20, 60 + 300 * 20)]
    path = write_video(tmp_path / "v.mkv", grey_ramp(60), times=times)
    assert ending(path) == ("shows one picture from 1.9 s to 302.0 s", {})
    slides = write_video(tmp_path / "slides.mkv", grey_ramp(3), rate=1, times=[0, 50, 100])
    assert ending(slides) == (None, {})


def test_frames_behind_the_clock_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times of showing go back by 30 s, of decoding they do not."""
    source, path = write_video(tmp_path / "a.mp4", grey_ramp(40)), tmp_path / "b.mp4"
    with av.open(str(source)) as original, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for number, packet in enumerate(original.demux(video=0)):
            if packet.pts is not None:
                packet.stream = stream
                packet.pts += round((30 if number == 20 else 0) / packet.time_base)
                container.mux(packet)
    assert ending(path)[1] == {"frames behind the clock": 19}


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.gif", "gif", "rgb8"),
        ("A.MTS", "libx264", "yuv420p"),
        ("a.m2ts", "libx264", "yuv420p"),
        ("A.VOB", "mpeg2video", "yuv420p"),
        ("a.mxf", "mpeg2video", "yuv420p"),
    ],
)
def test_what_cameras_discs_and_the_web_write_is_read(
    tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    path = write_video(tmp_path / name, grey_ramp(75), 25, codec=codec, pix_fmt=pix_fmt, options={})
    clips = list(stream_clips(path, SMALL))
    assert [clip.end for clip in clips] == pytest.approx([1.5, 3.0])
    assert [clip.frames.mean() for clip in clips] == pytest.approx([82, 147], abs=6)
