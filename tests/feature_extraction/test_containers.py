from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.containers import check_length, open_container
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import FrameSize
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:1,\nother.mp4\n",
        "\ufeff#EXTM3U\n",
        "ffconcat version 1.0\nfile other.mp4\n",
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>',
        "[playlist]\nFile1=other.mp4\n",
    ],
)
def test_a_playlist_is_named_as_one(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"{name} only names other files: a playlist is not opened"
    ):
        open_container(tmp_path / name)


@pytest.mark.parametrize("kind", ["flac", "wav", "mp3"])
def test_sound_alone_is_named_as_that(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"song.{kind}"
    codec = {"wav": "pcm_s16le", "mp3": "mp3"}.get(kind, kind)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        planes = np.zeros((1, 16000), np.int16)
        frame = av.AudioFrame.from_ndarray(planes, format="s16", layout="mono")
        frame.sample_rate = 16000
        resampler = av.AudioResampler(stream.format, "mono", 16000, frame_size=stream.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    with pytest.raises(InputError, match=rf"song\.{kind} has no picture, only sound"):
        next(stream_clips(path))


def test_a_gif_is_a_video(tmp_path: Path) -> None:
    frames = grey_ramp(30)
    path = write_video(tmp_path / "v.gif", frames, codec="gif", pix_fmt="gray", options={})
    clip = next(stream_clips(path, FrameSize(64, 64)))
    assert clip.end == pytest.approx(1.5, abs=0.06)
    shown = clip.frames.reshape(30, -1).mean(axis=1)
    np.testing.assert_allclose(shown[:29], frames[:29, 0, 0, 0], atol=6)


def test_a_day_is_the_longest(tmp_path: Path) -> None:
    check_length(24 * 3600, tmp_path / "a.mp4")
    check_length(None, tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"a\.mp4 claims to last 25 hours, more than 24: cut it"):
        check_length(25 * 3600, tmp_path / "a.mp4")
