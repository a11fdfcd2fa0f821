"""A video file through PyAV: measured by its header, decoded in the order of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.stream import Disposition

from feature_extraction.containers import (
    LONGEST_FRAME,
    MAX_PIXELS,
    check_length,
    open_container,
    seconds_before,
    stream_end,
)
from feature_extraction.seeing.frame import FRAME_SECONDS, Clock, Damage, FrameSize
from feature_extraction.seeing.scaling import Scaler, middle, resized
from feature_extraction.stream_clock import clock_restarts, packets_on_one_clock
from workfolder.errors import InputError

MOST_FRAMES_PER_SECOND = 1000
"""Cameras take at most 960, and a file that keeps milliseconds may claim one frame in each."""


@dataclass(frozen=True)
class PyavFrame:
    """A frame as PyAV gives it; see frames.Frame."""

    time: float
    seconds: float
    decoded: av.VideoFrame
    size: FrameSize
    scaler: Scaler

    def picture(self) -> np.ndarray:
        """See frames.Frame."""
        return middle(self.scaler(self.decoded), self.size)


class PyavVideo:
    """An open video; close it.

    Attributes:
        declared_end: seconds from the start of the file at which the picture ends, if the header
            says.
        pixel: how much wider than high a pixel is shown, if the file says.
        damage: why decoding stopped before the end, once it has.
        behind: frames so far that were not shown as their time lay behind the one before.
    """

    def __init__(
        self, path: Path, size: FrameSize = FrameSize(), hardware: HWAccel | None = None
    ) -> None:
        """Open a video.

        Args:
            path: its file.
            size: how its frames are wanted.
            hardware: what decodes it, where it can; the pictures are those of the software.

        Raises:
            InputError: if it is not a video, or claims to be larger than any real one.
        """
        self._path, self._size = path, size
        self._container = open_container(path, hardware)
        try:
            self._stream = _picture_stream(self._container, path)
            self.declared_end = _declared_end(self._container, self._stream)
            _check_budget(self._stream, self.declared_end, path)
        except InputError:
            self._container.close()
            raise
        self.pixel: Fraction | None = self._stream.sample_aspect_ratio or None
        self.damage: str | None = None
        self.behind = 0
        self._from = 0.0

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def seek(self, second: float) -> None:
        """Go to the last key frame at or before a time, in a file whose clock does not restart."""
        self._container.seek(int((second + seconds_before(self._container)) * av.time_base))
        self._from = second

    def clock_restarts(self) -> bool:
        """Tell whether the file's own clock starts again; this may read the file to its end."""
        return clock_restarts(self._container, self._stream)

    def frames(self) -> Iterator[PyavFrame]:
        """Yield the frames in the order they are shown; a damaged file ends at its damage.

        Raises:
            InputError: if not one frame can be decoded.
            MemoryError: if the process may not have as much memory as the file takes.
        """
        clock = Clock(self._from)
        scaler = Scaler(partial(resized, size=self._size), self.pixel)
        count = 0
        try:
            for time, frame in self._decoded():
                seconds = _believed(frame.duration, frame.time_base)
                yield PyavFrame(clock.at(time, seconds), seconds, frame, self._size, scaler)
                self.behind = clock.behind
                count += 1
        except MemoryError:
            raise
        except Damage as damage:
            self.damage = str(damage)
        except av.FFmpegError as error:
            self.damage = f"is damaged after {clock.latest:.1f} s ({error.strerror})"
        if not count:
            reason = self.damage or "has no frame that can be decoded"
            raise InputError(f"{self._path} {reason}: fetch it again, or leave it out")

    def times(self) -> list[tuple[float, float]]:
        """Return when each frame is shown and for how long, in seconds, without decoding.

        Frames that a decoder drops in silence are left out: those that an edit list hides, and
        those before the first key frame.
        """
        found: list[tuple[float, float]] = []
        begun = False
        for packet in packets_on_one_clock(self._container, self._stream):
            begun = begun or packet.is_keyframe
            stamp = packet.dts if self._unordered else packet.pts
            if begun and stamp is not None and packet.size and not packet.is_discard:
                found.append((self._seconds(stamp), _believed(packet.duration, packet.time_base)))
        return sorted(found)

    def _decoded(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Yield frames in the order they are shown, each with the time that its file gives."""
        stamps: deque[int | None] = deque()
        for packet in packets_on_one_clock(self._container, self._stream):
            if packet.size:
                stamps.append(packet.dts)
            for frame in cast("list[av.VideoFrame]", packet.decode()):
                stamp = stamps.popleft() if self._unordered and stamps else frame.pts
                yield (None if stamp is None else self._seconds(stamp)), frame

    @property
    def _unordered(self) -> bool:
        """Whether the container keeps decoding times alone, so the nth frame has the nth."""
        return self._container.format.name == "avi"

    def _seconds(self, stamp: int) -> float:
        return float(stamp * (self._stream.time_base or 0)) - seconds_before(self._container)


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """Return the video stream that FFmpeg plays, the default one; a cover is not a video."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        raise InputError(f"{path} has no picture, only sound or text: leave it out of extraction")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        reason = "is coded in a way that this FFmpeg does not know"
        raise InputError(f"{path} {reason}: convert it to H.264, or leave it out")
    stream.codec_context.thread_count = 1  # the processes around us share the cores by video
    # Frames may be larger than the header says.
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def _declared_end(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Return what the stream says, or else the container, which also counts the sound."""
    own = stream_end(container, stream)
    return container.duration / av.time_base if own is None and container.duration else own


def _check_budget(stream: av.VideoStream, declared_end: float | None, path: Path) -> None:
    """Refuse a file whose header announces more than any real video has."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        claim = f"claims {width} x {height} pixels, more than 8K"
        raise InputError(f"{path} {claim}: scale it down, or leave it out")
    rate = float(stream.average_rate or 0)
    if rate > MOST_FRAMES_PER_SECOND:
        claim = f"claims {rate:,.0f} frames a second, more than {MOST_FRAMES_PER_SECOND:,}"
        raise InputError(f"{path} {claim}: convert it to 30, or leave it out")
    check_length(declared_end, path)


def _believed(duration: int | None, unit: Fraction | None) -> float:
    """Return the seconds that a frame is shown, as its file says where that can be true."""
    if duration and unit and 0 < duration * unit <= LONGEST_FRAME:
        return float(duration * unit)
    return FRAME_SECONDS
