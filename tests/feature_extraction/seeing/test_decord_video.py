from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_extraction.schema import Clip
from feature_extraction.seeing.clips import check_decoder, stream_clips
from feature_extraction.seeing.frame import FrameSize
from tests.conftest import SHARED_DATA
from tests.feature_extraction.seeing.test_clips import write_pictures
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError

REAL = sorted(
    path for path in SHARED_DATA.glob("video/**/*") if path.suffix in (".mp4", ".mkv", ".mov")
)
ABSENT = Path("shared data is absent")
UNKNOWN = "av1_video.mkv"
"""decord's FFmpeg of 2018 has no decoder for it."""


def read(path: Path, size: FrameSize, decoder: str) -> tuple[list[Clip], str | None]:
    """The clips of a video, and why it is partial."""
    reading = stream_clips(path, size, decoder)
    clips: list[Clip] = []
    while True:
        try:
            clips.append(next(reading))
        except StopIteration as stop:
            return clips, stop.value


def assert_equal(path: Path, size: FrameSize = FrameSize(64, 64)) -> None:
    (ours, reason), (theirs, their_reason) = read(path, size, "pyav"), read(path, size, "decord")
    assert ours and ours == theirs and (reason is None) == (their_reason is None)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(mine.frames, other.frames), mine.index


@pytest.mark.parametrize(
    "size", [FrameSize(), FrameSize(96, 64, squeeze=False)], ids=["squeezed", "in proportion"]
)
@pytest.mark.parametrize(
    "path", [path for path in REAL if path.name != UNKNOWN] or [ABSENT], ids=lambda path: path.name
)
def test_both_decoders_give_the_same_bytes(path: Path, size: FrameSize) -> None:
    pytest.importorskip("decord")
    if path == ABSENT:
        pytest.skip("../shared/data is not there: the decoders cannot be compared on real videos")
    assert_equal(path, size)


def test_both_agree_on_what_is_shown_when(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    assert_equal(write_video(tmp_path / "variable.mkv", grey_ramp(5), times=[0, 2, 3, 10, 25]))
    assert_equal(write_pictures(tmp_path / "late.mp4", grey_ramp(60), first=50))
    assert_equal(write_pictures(tmp_path / "hidden.mp4", grey_ramp(50), first=-10))
    assert_equal(write_pictures(tmp_path / "decoding_order.avi", grey_ramp(60)))


def test_what_decord_cannot_open_is_told(shared_data: Path) -> None:
    pytest.importorskip("decord")
    unknown = shared_data / "video" / "torchcodec" / UNKNOWN
    with pytest.raises(
        InputError, match=rf"{UNKNOWN} cannot be read by decord: use --decoder pyav"
    ):
        read(unknown, FrameSize(), "decord")


def test_pyav_decodes_the_rest_where_decord_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decord = pytest.importorskip("decord")
    assert_equal(write_pictures(tmp_path / "never_begun.ts", grey_ramp(40)))

    path = write_pictures(tmp_path / "v.mp4", grey_ramp(80))
    going_on = decord.VideoReader.next
    whole, _ = read(path, FrameSize(), "pyav")
    for before in (0, 1, 37):  # a decoder that throws away what it had ahead stops anywhere
        left = iter([True] * before)

        def stopping(reader: Any, left: Iterator[bool] = left) -> Any:
            if not next(left, False):
                raise decord.DECORDError("damaged")
            return going_on(reader)

        monkeypatch.setattr(decord.VideoReader, "next", stopping)
        clips, _ = read(path, FrameSize(), "decord")
        assert clips == whole
        assert all(np.array_equal(a.frames, b.frames) for a, b in zip(clips, whole, strict=True))


def test_decord_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[decord\]'"):
        check_decoder("decord")
    check_decoder("pyav")
