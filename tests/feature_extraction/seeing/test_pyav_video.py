"""What a container holds: which stream is the video, its times, and what may not be read."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorRange

from feature_extraction.seeing.clips import open_video, stream_clips
from feature_extraction.seeing.frame import FrameSize
from tests.feature_extraction.seeing.test_clips import (
    SMALL,
    first_clip,
    frame_numbers,
    plain,
    write_pictures,
)
from tests.toys.videos import add_video, grey_ramp, write_video
from workfolder.errors import InputError


def test_a_file_that_is_silent_about_its_duration(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "v.mkv", grey_ramp(60), muxing={"live": "1"})
    with closing(open_video(path)) as video:
        assert video.declared_end is None
    assert frame_numbers(
        np.concatenate([clip.frames for clip in stream_clips(path, SMALL)])
    ) == list(range(60))


def test_an_avi_knows_no_time_but_that_of_decoding(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "v.avi", grey_ramp(60))
    assert frame_numbers(
        np.concatenate([clip.frames for clip in stream_clips(path, SMALL)])
    ) == list(range(60))


def test_what_an_edit_list_hides_is_not_shown(tmp_path: Path) -> None:
    """The muxer writes an edit list from time 0 on; frames 0 to 9 lie before it."""
    path = write_pictures(tmp_path / "v.mp4", grey_ramp(60), first=-10)
    assert b"elst" in path.read_bytes()
    with av.open(str(path)) as container:
        assert sum(packet.is_discard for packet in container.demux(video=0)) == 10
    clips = list(stream_clips(path, SMALL))
    assert frame_numbers(np.concatenate([clip.frames for clip in clips]))[:50] == list(
        range(10, 60)
    )
    assert clips[-1].end == pytest.approx(2.5)


def test_of_several_streams_the_default_one_is_shown(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        writers = [
            add_video(container, plain((200, 40, 40), 128, 128), disposition=Disposition(0)),
            add_video(container, plain((40, 40, 200)), disposition=Disposition.default),
        ]
        for write in writers:
            write()
    assert np.abs(first_clip(tmp_path / "v.mkv").astype(int) - (40, 40, 200)).max() < 8


def test_of_two_default_streams_the_one_that_players_show(shared_data: Path) -> None:
    path = shared_data / "video" / "torchcodec" / "nasa_13013.mp4"
    with av.open(str(path)) as container:
        stored = (
            next(container.decode(container.streams[3]))
            .reformat(96, 96, "rgb24")
            .to_ndarray()
            .astype(int)
        )
    assert np.abs(first_clip(path, FrameSize(96, 96))[0] - stored).mean() < 2


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    cover = np.full((1, 128, 128, 3), 255, np.uint8)
    for name, frames in (("song.mp4", None), ("clip.mp4", plain((40, 40, 200)))):
        with av.open(str(tmp_path / name), "w") as container:
            attached = {
                "disposition": Disposition.attached_pic,
                "colours": ColorRange.JPEG,
                "options": {},
            }
            writers = [add_video(container, cover, codec="mjpeg", pix_fmt="yuvj420p", **attached)]
            if frames is not None:
                writers.append(add_video(container, frames))
            for write in writers:
                write()
    with pytest.raises(InputError, match=r"song\.mp4 has no picture"):
        first_clip(tmp_path / "song.mp4")
    assert np.abs(first_clip(tmp_path / "clip.mp4").astype(int) - (40, 40, 200)).max() < 8


def test_what_may_not_be_read_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match=r"pipe\.mp4 is not a file"):
        next(stream_clips(tmp_path / "pipe.mp4"))

    def refuse(*_: object, **__: object) -> None:
        raise av.PermissionError(13, "Permission denied")

    path = write_video(tmp_path / "v.mp4", grey_ramp(2))
    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(
        InputError, match=r"v\.mp4 cannot be read \(Permission denied\): check its rights"
    ):
        next(stream_clips(path))
