"""A video file as a stream of clips, in constant memory.

The one rule from time to frame: a video is sampled at even times, 20 in a second by default. The
sample at time t is the last frame whose presentation time is at or before t, or the first frame
where there is none. Times count from the start of the file.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.codec import Codec
from av.codec.hwaccel import HWAccel

from feature_extraction.options import NVDEC
from feature_extraction.pace import Pace
from feature_extraction.schema import Clip
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
    """Open a video with ``pyav``, or with ``decord`` or ``nvdec`` if its file is trusted.

    Args:
        path: the video.
        size: how its frames are resized and cropped.
        decoder: one of options.DECODERS; ``nvdec:1`` is that of the GPU number 1.

    Raises:
        InputError: if the file is not a video.
    """
    name, _, number = decoder.partition(":")
    if name == "pyav":
        return PyavVideo(path, size)
    if name == NVDEC:
        return PyavVideo(path, size, HWAccel("cuda", number or "0"))
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
    elif decoder == NVDEC:
        try:
            HWAccel("cuda").create(Codec("h264", "r"))
        except (av.FFmpegError, NotImplementedError) as error:  # it cannot, or has no such decoder
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"--decoder {NVDEC} needs a GPU of NVIDIA and its driver ({reason}): use --decoder "
                "pyav"
            ) from error


def stream_clips(
    path: Path,
    size: FrameSize = FrameSize(),
    decoder: str = "pyav",
    pace: Pace = Pace(),
    looked_at: Sequence[int] = (),
) -> Generator[Clip, None, Ending]:
    """Yield the clips of a video in order, without overlap.

    The last clip is filled up with its last frame if at least half of it is there, else dropped. A
    video shorter than one clip gives one.

    Args:
        path: the video.
        size: how its frames are resized and cropped.
        decoder: see open_video.
        pace: how it is cut into clips.
        looked_at: the numbers of a clip's frames that are wanted; none for all of them. The others
            are not resized, which takes most of the time beside decoding.

    Returns:
        How the video ended. It is partial if it is damaged, or ends more than a clip before its
        header says: neither the decoder's silence nor its exit status proves that a file was whole.
        It is also partial if one frame is shown for longer than LONGEST_STILL.

    Raises:
        InputError: if the file is not a video.
    """
    numbers = tuple(looked_at) or tuple(range(pace.clip_frames))
    wanted = frozenset(numbers)
    pictures: dict[int, np.ndarray] = {}  # of the clip that is being read
    index = count = 0
    with closing(open_video(path, size, decoder)) as video:
        samples = _Samples(video, pace.frames_per_second)
        for shown in samples:
            if count in wanted:
                pictures[count] = shown.picture
            count += 1
            if count == pace.clip_frames:
                yield _clip(index, count, pace, [pictures[number] for number in numbers])
                index, count = index + 1, 0
                pictures.clear()
        if count * 2 >= pace.clip_frames or (count and index == 0):
            last = shown.picture
            yield _clip(index, count, pace, [pictures.get(number, last) for number in numbers])
        end = index * pace.clip_seconds + count / pace.frames_per_second
        behind = {"frames behind the clock": video.behind} if video.behind else {}
        return _shortfall(video, end, pace) or samples.still, behind


def _clip(index: int, count: int, pace: Pace, pictures: list[np.ndarray]) -> Clip:
    """Make the clip of which ``count`` frames were there."""
    start = index * pace.clip_seconds
    return Clip(index, start, start + count / pace.frames_per_second, np.stack(pictures))


def _shortfall(video: Video, end: float, pace: Pace) -> str | None:
    """Return why a video that was decoded to ``end`` seconds is not whole."""
    said = f" of {video.declared_end:.1f} s" if video.declared_end else ""
    if video.damage:
        return f"{video.damage}, {end:.1f} s{said} are kept"
    if video.declared_end and video.declared_end - end > pace.clip_seconds:
        return f"ends after {end:.1f} s{said}"
    return None


class _Shown:
    """A frame that some samples show; it is resized once, and only if one of them is wanted."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @cached_property
    def picture(self) -> np.ndarray:
        """uint8 [crop, crop, 3]."""
        return self._frame.picture()


class _Samples:
    """What is shown at 0, 1, 2, ... times the interval until the video ends.

    Attributes:
        still: where one picture is shown for longer than LONGEST_STILL, once that was met.
    """

    def __init__(self, video: Video, frames_per_second: float) -> None:
        self.still: str | None = None
        self._video = video
        self._rate = frames_per_second
        self._next = 0  # the number of the next sample

    def __iter__(self) -> Iterator[_Shown]:
        shown: Frame | None = None
        for frame in self._video.frames():
            if shown is not None:
                yield from self._until(frame.time, shown)
            shown = frame
        if shown is not None:
            end = shown.time + shown.seconds
            yield from self._until(end if self._next else max(end, 1 / self._rate), shown)

    def _until(self, time: float, shown: Frame) -> Iterator[_Shown]:
        """Yield ``shown`` once for each further sample before ``time``."""
        if time - shown.time > LONGEST_STILL:
            self.still = f"shows one picture from {shown.time:.1f} s to {time:.1f} s"
        first, self._next = self._next, max(self._next, self._samples_before(time))
        picture = _Shown(shown)
        for _ in range(first, self._next):
            yield picture

    def _samples_before(self, time: float) -> int:
        """Count the samples before ``time``; a frame late by a rounded microsecond is on time."""
        return math.ceil(time * self._rate - 1e-4)
