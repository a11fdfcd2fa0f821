"""Pictures as they are meant to be seen; what is right was compared with ffmpeg 9's decoding."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.media import frame_at
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.scaling import Orientation, Scaler, resized, upright_size
from tests.toys.videos import write_video

RED, BLUE, GREEN, WHITE = (253, 0, 0), (0, 0, 254), (0, 127, 0), (255, 255, 255)
STORED = [[RED, BLUE], [GREEN, WHITE]]
ROTATIONS = {  # a, b, c, d of a display matrix, and how numpy does it
    "as stored": ((1, 0, 0, 1), lambda picture: picture),
    "clockwise": ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
    "half": ((-1, 0, 0, -1), lambda picture: np.rot90(picture, 2)),
    "counter-clockwise": ((0, -1, 1, 0), np.rot90),
    "horizontal": ((-1, 0, 0, 1), np.fliplr),
    "vertical": ((1, 0, 0, -1), np.flipud),
    "transposed": ((0, 1, 1, 0), lambda picture: picture.swapaxes(0, 1)),
    "transverse": ((0, -1, -1, 0), lambda picture: np.rot90(picture, 2).swapaxes(0, 1)),
}


def quadrants(picture: np.ndarray) -> np.ndarray:
    """The colours in the middle of four quarters, [2, 2, 3]."""
    height, width = picture.shape[:2]
    return picture[height // 4 :: height // 2][:2, width // 4 :: width // 2][:, :2].astype(int)


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A video of STORED, 96 x 64, whose header has a display matrix."""
    picture = np.array(STORED, np.uint8).repeat(32, 0).repeat(48, 1)
    write_video(path, np.repeat(picture[None], 30, 0))
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    for offset, number in zip((0, 4, 12, 16), matrix, strict=True):
        content[place + offset : place + offset + 4] = struct.pack(">i", number << 16)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("name", ROTATIONS)
def test_all_eight_ways_to_hold_a_camera(tmp_path: Path, name: str, decoder: str) -> None:
    pytest.importorskip(decoder if decoder == "decord" else "av")
    matrix, turn = ROTATIONS[name]
    path = with_matrix(tmp_path / "v.mp4", matrix)
    right = turn(np.array(STORED))
    for squeeze in (True, False):
        shown = next(stream_clips(path, FrameSize(64, 64, squeeze), decoder)).frames[0]
        assert np.abs(quadrants(shown) - right).max() < 12
    picture = frame_at(path, 0.5, 48)
    assert np.abs(quadrants(picture) - right).max() < 12
    assert picture.shape == (
        (48, 32, 3) if turn(np.zeros((64, 96))).shape[0] == 96 else (48, 72, 3)
    )


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("q1_hflip", [[BLUE, RED], [WHITE, GREEN]]),
        ("q2_vflip", [[GREEN, WHITE], [RED, BLUE]]),
    ],
)
def test_the_mirrored_files_of_the_report(
    shared_data: Path, name: str, right: object, decoder: str
) -> None:
    pytest.importorskip(decoder if decoder == "decord" else "av")
    path = shared_data / "reported" / "mirrored" / f"{name}.mp4"
    shown = next(stream_clips(path, FrameSize(64, 64), decoder)).frames[0]
    assert np.abs(quadrants(shown) - np.array(right)).max() < 8


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_a_disc_of_wide_pixels_is_round(shared_data: Path, decoder: str) -> None:
    pytest.importorskip(decoder if decoder == "decord" else "av")
    path = shared_data / "reported" / "anamorphic" / "circle_sar.mp4"
    shown = next(stream_clips(path, FrameSize(256, 224, squeeze=False), decoder)).frames[0]
    disc = np.abs(shown.astype(int) - shown[0, 0]).sum(axis=2) > 100
    assert abs(int(disc.any(axis=0).sum()) - int(disc.any(axis=1).sum())) <= 1
    assert frame_at(path, 0.5, 90).shape == (90, 160, 3)


def frame(width: int = 64, height: int = 64) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
    made.time_base = Fraction(1, 20)
    return made


def test_pixels_that_no_camera_has_are_taken_as_square() -> None:
    assert upright_size(frame(720, 576), Fraction(64, 45)) == (1024, 576)
    assert upright_size(frame(720, 576), Fraction(1, 2)) == (360, 576)
    assert upright_size(frame(720, 576), Fraction(1000, 1)) == (720, 576)
    assert upright_size(frame(720, 576), None) == (720, 576)


def test_a_frame_without_a_matrix_is_left_alone() -> None:
    assert Orientation.of(frame()) == Orientation(0, False)


def test_the_shorter_side_is_resized_where_proportions_are_kept() -> None:
    size = FrameSize(resize=100, crop=80, squeeze=False)
    assert resized(400, 200, size) == (200, 100) and resized(30, 60, size) == (100, 200)
    assert resized(400, 200, FrameSize(100, 80)) == (100, 100)


def test_an_interlaced_frame_keeps_one_field(tmp_path: Path) -> None:
    """Black lines between white ones are the combs of what moved: one field is all white."""
    combs = np.zeros((30, 64, 64, 3), np.uint8)
    combs[:, ::2] = 255
    options = {"crf": "1", "preset": "ultrafast", "x264-params": "tff=1"}
    path = write_video(tmp_path / "v.mp4", combs, options=options)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    assert next(stream_clips(path, FrameSize(32, 32))).frames.min() > 240
    plain = write_video(tmp_path / "plain.mp4", combs)
    assert 100 < next(stream_clips(plain, FrameSize(32, 32))).frames.mean() < 155


def test_a_scaler_gives_the_size_that_it_was_asked_for() -> None:
    assert Scaler(lambda wide, high: (wide // 2, high // 4))(frame(64, 64)).shape == (16, 32, 3)
