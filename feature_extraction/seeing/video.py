"""A video file as a stream of 1.5 s clips, in constant memory.

The one rule from time to frame: a video is sampled at 20 frames per second; the sample at time t is the last frame
whose presentation time is at or before t, and the first frame where none is. Times count from the start of the file.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from feature_extraction.schema import Clip
from feature_extraction.seeing.frames import Frame, FrameSize, upright, upright_size
from feature_extraction.seeing.pyav_video import PyavVideo
from workfolder.errors import InputError

FRAMES_PER_SECOND = 20
CLIP_SECONDS = 1.5
CLIP_FRAMES = int(CLIP_SECONDS * FRAMES_PER_SECOND)


class Video(Protocol):
    """An open video; see pyav_video.PyavVideo."""

    declared_end: float | None
    damage: str | None

    def frames(self) -> Iterator[Frame]:
        """Frames in the order they are shown."""

    def close(self) -> None:
        """Let go of the file."""


def open_video(path: Path, size: FrameSize = FrameSize(), decoder: str = "pyav") -> Video:
    """Open a video with ``pyav``, or ``decord`` for files that are trusted; InputError if it is none."""
    check_decoder(decoder)
    if decoder == "pyav":
        return PyavVideo(path, size)
    from feature_extraction.seeing.decord_video import DecordVideo

    return DecordVideo(path, size)


def check_decoder(decoder: str) -> None:
    """InputError if a decoder is not installed."""
    if decoder == "decord" and find_spec("decord") is None:
        raise InputError(
            "--decoder decord needs decord: pip install 'videobert[decord]', or use --decoder pyav"
        )


def stream_clips(
    path: Path, size: FrameSize = FrameSize(), decoder: str = "pyav"
) -> Generator[Clip, None, str | None]:
    """Yield the clips of a video in order, without overlap; return why it is partial, or None where it is whole.

    The last clip is filled up with its last frame if at least half of it is there, else dropped; a video shorter than
    one clip gives one. A video is partial if it is damaged, or ends more than a clip before its header says: neither
    the decoder's silence nor its exit status proves that a file was whole. InputError if it is no video.
    """
    frames: list[np.ndarray] = []
    index = 0
    with closing(open_video(path, size, decoder)) as video:
        for picture in _samples(video):
            frames.append(picture)
            if len(frames) == CLIP_FRAMES:
                yield _clip(index, frames)
                frames, index = [], index + 1
        if len(frames) * 2 >= CLIP_FRAMES or (frames and index == 0):
            yield _clip(index, frames)
        return _shortfall(video, index * CLIP_SECONDS + len(frames) / FRAMES_PER_SECOND)


def declared_seconds(path: Path) -> float | None:
    """How long a video's header says it is, if it does; InputError if it is no video."""
    with closing(PyavVideo(path)) as video:
        return video.declared_end


def frame_at(path: Path, second: float, height: int) -> np.ndarray:
    """The frame shown at a time, for people to look at: uint8 RGB, about ``height`` pixels high, proportions kept.

    InputError if the file is no video or has no frame there.
    """
    with closing(PyavVideo(path)) as video:
        video.seek(second)
        shown = None
        for frame in video.frames():
            if shown is not None and frame.time > second:
                break
            shown = frame.decoded
    if shown is None:
        raise InputError(f"{path} has no frame at {second:.1f} s: give a time within the video")
    _, tall = upright_size(shown)
    small = shown.reformat(
        max(1, shown.width * height // tall), max(1, shown.height * height // tall), "rgb24"
    )
    return upright(small.to_ndarray(), shown.rotation)


def _clip(index: int, frames: list[np.ndarray]) -> Clip:
    start = index * CLIP_SECONDS
    padded = frames + frames[-1:] * (CLIP_FRAMES - len(frames))
    return Clip(index, start, start + len(frames) / FRAMES_PER_SECOND, np.stack(padded))


def _shortfall(video: Video, end: float) -> str | None:
    """Why a video that was decoded to ``end`` seconds is not whole."""
    said = f" of {video.declared_end:.1f} s" if video.declared_end else ""
    if video.damage:
        return f"{video.damage}, {end:.1f} s{said} are kept"
    if video.declared_end and video.declared_end - end > CLIP_SECONDS:
        return f"ends after {end:.1f} s{said}"
    return None


def _samples(video: Video) -> Iterator[np.ndarray]:
    """The pictures shown at 0, 1/20, 2/20, ... s until the video ends, each uint8 [crop, crop, 3]."""
    tick = 0
    shown: Frame | None = None
    for frame in video.frames():
        if shown is not None:
            yield from _shown_before(frame.time, tick, shown)
            tick = max(tick, _ticks(frame.time))
        shown = frame
    if shown is not None:
        end = shown.time + shown.seconds
        yield from _shown_before(end if tick else max(end, 1 / FRAMES_PER_SECOND), tick, shown)


def _shown_before(time: float, tick: int, shown: Frame) -> Iterator[np.ndarray]:
    """The picture ``shown``, once for each sample from ``tick`` on that lies before ``time``."""
    if _ticks(time) <= tick:
        return  # most frames of a 30 fps video are shown at one sample or none: do not scale the latter
    picture = shown.picture()
    for _ in range(tick, _ticks(time)):
        yield picture


def _ticks(time: float) -> int:
    """How many samples lie before ``time``; a frame that is late by a rounded microsecond is on time."""
    return math.ceil(time * FRAMES_PER_SECOND - 1e-4)
