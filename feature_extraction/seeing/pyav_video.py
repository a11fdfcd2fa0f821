"""A video file through PyAV: opened with nothing but itself, measured by its header, decoded in the order of time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.stream import Disposition

from feature_extraction.seeing.frames import (
    FRAME_SECONDS,
    LONGEST_FRAME,
    LONGEST_VIDEO,
    MAX_PIXELS,
    MOST_FRAMES_PER_SECOND,
    Clock,
    Damage,
    FrameSize,
    Scaler,
)
from workfolder.errors import InputError

# Containers that hold pictures themselves. Playlists and concat scripts, which name other files, are not among them.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"


@dataclass(frozen=True)
class PyavFrame:
    """A frame as PyAV gives it; see frames.Frame."""

    time: float
    seconds: float
    decoded: av.VideoFrame
    scaler: Scaler

    def picture(self) -> np.ndarray:
        """See frames.Frame."""
        return self.scaler(self.decoded)


class PyavVideo:
    """An open video; close it.

    Attributes:
        declared_end: seconds from the start of the file at which its header says that the picture ends, if it does.
        damage: why decoding stopped before the end, once it has.
    """

    def __init__(self, path: Path, size: FrameSize = FrameSize()) -> None:
        self._path = path
        self._scaler = Scaler(size)
        self._container = open_container(path)
        try:
            self._stream = _picture_stream(self._container, path)
            self.declared_end = _declared_end(self._container, self._stream)
            _check_budget(self._stream, self.declared_end, path)
        except InputError:
            self._container.close()
            raise
        self.damage: str | None = None
        self._from = 0.0

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def seek(self, second: float) -> None:
        """Go to the last key frame at or before a time."""
        self._container.seek(int(second * av.time_base) + (self._container.start_time or 0))
        self._from = second

    def frames(self) -> Iterator[PyavFrame]:
        """Frames in the order they are shown; a damaged file ends at its damage.

        InputError if not one frame can be decoded. MemoryError where the process may not have as much as it takes.
        """
        clock = Clock(self._from)
        count = 0
        try:
            for time, frame in self._decoded():
                seconds = _believed(frame.duration, frame.time_base)
                yield PyavFrame(clock.at(time, seconds), seconds, frame, self._scaler)
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
        """When each frame is shown and for how long, in seconds, in the order of showing and without decoding.

        Left out is what a decoder drops in silence: what an edit list hides, and what comes before the first key frame.
        """
        found: list[tuple[float, float]] = []
        begun = False
        for packet in self._container.demux(self._stream):
            begun = begun or packet.is_keyframe
            stamp = packet.dts if self._unordered else packet.pts
            if begun and stamp is not None and packet.size and not packet.is_discard:
                found.append((self._seconds(stamp), _believed(packet.duration, packet.time_base)))
        return sorted(found)

    def _decoded(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Frames in the order they are shown, each with its time by the file's word."""
        stamps: deque[int | None] = deque()
        for packet in self._container.demux(self._stream):
            if packet.size:
                stamps.append(packet.dts)
            for frame in cast("list[av.VideoFrame]", packet.decode()):
                stamp = stamps.popleft() if self._unordered and stamps else frame.pts
                yield (None if stamp is None else self._seconds(stamp)), frame

    @property
    def _unordered(self) -> bool:
        """Whether the container keeps no time of showing: its nth frame is shown when its nth packet is to be decoded."""
        return self._container.format.name == "avi"

    def _seconds(self, stamp: int) -> float:
        return (
            float(stamp * (self._stream.time_base or 0))
            - (self._container.start_time or 0) / av.time_base
        )


def open_container(path: Path, formats: str = CONTAINERS) -> av.container.InputContainer:
    """Open a media file, allowing real containers from the local disk only; InputError if it is none.

    ``formats`` are FFmpeg's names, with commas between.
    """
    if not os.path.isfile(path):
        raise InputError(
            f"{path} {'is no file' if os.path.exists(path) else 'does not exist'}: give a video file"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: delete it, or fetch it again")
    # protocol_whitelist stops addresses, format_whitelist stops files that name other files.
    guard = {
        "format_whitelist": formats,
        "protocol_whitelist": "file",
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        return av.open(
            f"file:{path.resolve()}", options=guard, metadata_errors="replace"
        )  # titles may be in any alphabet
    except MemoryError:
        raise
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check its rights, or leave it out"
        ) from error
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is no video that can be read ({reason}): convert it to .mp4, or leave it out"
        ) from error


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The video stream that FFmpeg plays, which is one marked as default if there is any; the cover of a record is none."""
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
        raise InputError(
            f"{path} is coded in a way that this FFmpeg does not know: convert it to H.264, or leave it out"
        )
    stream.codec_context.thread_count = 1  # the processes around us share the cores by video
    stream.codec_context.options = {
        "max_pixels": str(MAX_PIXELS)
    }  # frames may be larger than the header says
    return stream


def _declared_end(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """By the stream, or else the container's word, which also counts the sound."""
    own = stream_end(container, stream)
    return container.duration / av.time_base if own is None and container.duration else own


def stream_end(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> float | None:
    """Seconds from the start of the file at which a stream ends by its own word (.mp4) or its tag (.mkv), if it says."""
    start = (container.start_time or 0) / av.time_base
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - start
    tag = stream.metadata.get("DURATION", "").split(":")  # 00:00:10.350000000, and it counts from 0
    if len(tag) == 3 and all(part.replace(".", "", 1).isdecimal() for part in tag):
        return float(tag[0]) * 3600 + float(tag[1]) * 60 + float(tag[2]) - start
    return None


def _check_budget(stream: av.VideoStream, declared_end: float | None, path: Path) -> None:
    """InputError if the header announces more than any real video is."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path} claims {width} x {height} pixels, more than 8K: scale it down, or leave it out"
        )
    rate = float(stream.average_rate or 0)
    if rate > MOST_FRAMES_PER_SECOND:
        claims = f"claims {rate:,.0f} frames a second, more than {MOST_FRAMES_PER_SECOND:,}"
        raise InputError(f"{path} {claims}: convert it to 30, or leave it out")
    check_length(declared_end, path)


def check_length(declared_end: float | None, path: Path) -> None:
    """InputError if a file claims to last longer than LONGEST_VIDEO."""
    if declared_end and declared_end > LONGEST_VIDEO:
        raise InputError(
            f"{path} claims to last {declared_end / 3600:,.0f} hours, more than 24: cut it, or leave it out"
        )


def _believed(duration: int | None, unit: Fraction | None) -> float:
    """Seconds that a frame is shown, by the file's word where that can be."""
    if duration and unit and 0 < duration * unit <= LONGEST_FRAME:
        return float(duration * unit)
    return FRAME_SECONDS
