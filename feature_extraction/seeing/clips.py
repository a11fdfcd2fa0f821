"""A video file as a stream of clips, in constant memory.

The one rule from time to frame: a video is sampled at 20 frames per second. The sample at time t is
the last frame whose presentation time is at or before t, or the first frame where there is none.
Times count from the start of the file.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import numpy as np

from feature_extraction.schema import CLIP_FRAMES, CLIP_SECONDS, FRAMES_PER_SECOND, Clip
from feature_extraction.seeing.frame import Frame, FrameSize
from feature_extraction.seeing.pyav_video import PyavVideo
from workfolder.errors import InputError

LONGEST_STILL = 60.0
"""Seconds. A video in which one frame is shown for longer is partial: its clock may be damaged."""

Ending = tuple[str | None, dict[str, int]]
"""Why a video is partial, or None where it is whole; and how much of it was dropped, by reason."""


class Video(Protocol):
    """An open video; see pyav_video.PyavVideo."""

    declared_end: float | None
    damage: str | None
    behind: int

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order they are shown."""

    def close(self) -> None:
        """Let go of the file."""


def open_video(path: Path, size: FrameSize = FrameSize(), decoder: str = "pyav") -> Video:
    """Open a video with ``pyav``, or with ``decord`` if its file is trusted.

    Raises:
        InputError: if the file is not a video.
    """
    if decoder == "pyav":
        return PyavVideo(path, size)
    from feature_extraction.seeing.decord_video import DecordVideo

    return DecordVideo(path, size)


def check_decoder(decoder: str) -> None:
    """Refuse a decoder that does not work here.

    Raises:
        InputError: with what to install, or to use instead.
    """
    if decoder == "decord":
        try:
            import decord  # noqa: F401
        except (ImportError, OSError, RuntimeError) as error:  # or its library does not load
            advice = "pip install 'videobert[decord]', or use --decoder pyav"
            raise InputError(f"--decoder decord needs decord ({error}): {advice}") from error


def stream_clips(
    path: Path, size: FrameSize = FrameSize(), decoder: str = "pyav"
) -> Generator[Clip, None, Ending]:
    """Yield the clips of a video in order, without overlap.

    The last clip is filled up with its last frame if at least half of it is there, else dropped. A
    video shorter than one clip gives one.

    Returns:
        How the video ended. It is partial if it is damaged, or ends more than a clip before its
        header says: neither the decoder's silence nor its exit status proves that a file was whole.
        It is also partial if one frame is shown for longer than LONGEST_STILL.

    Raises:
        InputError: if the file is not a video.
    """
    frames: list[np.ndarray] = []
    index = 0
    with closing(open_video(path, size, decoder)) as video:
        samples = _Samples(video)
        for picture in samples:
            frames.append(picture)
            if len(frames) == CLIP_FRAMES:
                yield _clip(index, frames)
                frames, index = [], index + 1
        if len(frames) * 2 >= CLIP_FRAMES or (frames and index == 0):
            yield _clip(index, frames)
        end = index * CLIP_SECONDS + len(frames) / FRAMES_PER_SECOND
        behind = {"frames behind the clock": video.behind} if video.behind else {}
        return _shortfall(video, end) or samples.still, behind


def _clip(index: int, frames: list[np.ndarray]) -> Clip:
    start = index * CLIP_SECONDS
    padded = frames + frames[-1:] * (CLIP_FRAMES - len(frames))
    return Clip(index, start, start + len(frames) / FRAMES_PER_SECOND, np.stack(padded))


def _shortfall(video: Video, end: float) -> str | None:
    """Return why a video that was decoded to ``end`` seconds is not whole."""
    said = f" of {video.declared_end:.1f} s" if video.declared_end else ""
    if video.damage:
        return f"{video.damage}, {end:.1f} s{said} are kept"
    if video.declared_end and video.declared_end - end > CLIP_SECONDS:
        return f"ends after {end:.1f} s{said}"
    return None


class _Samples:
    """The pictures shown at 0, 1/20, 2/20, ... s until the video ends, each uint8 [crop, crop, 3].

    Attributes:
        still: where one picture is shown for longer than LONGEST_STILL, once that was met.
    """

    def __init__(self, video: Video) -> None:
        self.still: str | None = None
        self._video = video
        self._next = 0  # the number of the next sample

    def __iter__(self) -> Iterator[np.ndarray]:
        shown: Frame | None = None
        for frame in self._video.frames():
            if shown is not None:
                yield from self._until(frame.time, shown)
            shown = frame
        if shown is not None:
            end = shown.time + shown.seconds
            yield from self._until(end if self._next else max(end, 1 / FRAMES_PER_SECOND), shown)

    def _until(self, time: float, shown: Frame) -> Iterator[np.ndarray]:
        """Yield the picture ``shown`` once for each further sample before ``time``."""
        if time - shown.time > LONGEST_STILL:
            self.still = f"shows one picture from {shown.time:.1f} s to {time:.1f} s"
        first, self._next = self._next, max(self._next, _samples_before(time))
        if first == self._next:
            return  # most frames of a 30 fps video are shown once or never: do not scale the latter
        picture = shown.picture()
        for _ in range(first, self._next):
            yield picture


def _samples_before(time: float) -> int:
    """Count the samples before ``time``; a frame late by a rounded microsecond is on time."""
    return math.ceil(time * FRAMES_PER_SECOND - 1e-4)
