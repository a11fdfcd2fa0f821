"""A video file through PyAV: opened with nothing but itself, measured by its header, decoded in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.stream import Disposition

from feature_extraction.errors import InputError
from feature_extraction.frames import (
    FRAME_SECONDS,
    LONGEST_FRAME,
    LONGEST_VIDEO,
    MAX_PIXELS,
    FrameSize,
    model_input,
)

# Containers that hold pictures themselves. Playlists and concat scripts, which name other files, are not among them.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"


@dataclass(frozen=True)
class PyavFrame:
    """A frame as PyAV gives it; see frames.Frame."""

    time: float
    seconds: float
    decoded: av.VideoFrame

    def picture(self, size: FrameSize) -> np.ndarray:
        """See frames.Frame."""
        return model_input(self.decoded, size, self.decoded.rotation)


class PyavVideo:
    """An open video; close it.

    Attributes:
        declared_end: seconds from the start of the file at which its header says that the picture ends, if it does.
        damage: why decoding stopped before the end, once it has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_container(path)
        try:
            self._stream = _picture_stream(self._container, path)
            self.declared_end = _declared_end(self._container, self._stream)
            _check_budget(self._stream, self.declared_end, path)
        except InputError:
            self._container.close()
            raise
        self.damage: str | None = None

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def seek(self, second: float) -> None:
        """Go to the last key frame at or before a time."""
        self._container.seek(int(second * av.time_base) + (self._container.start_time or 0))

    def frames(self) -> Iterator[PyavFrame]:
        """Frames in the order they are shown; a damaged file ends at its damage.

        InputError if not one frame can be decoded. MemoryError where the process may not have as much as it takes.
        """
        start = (self._container.start_time or 0) / av.time_base
        latest = 0.0
        count = 0
        try:
            for frame in cast("Iterator[av.VideoFrame]", self._container.decode(self._stream)):
                time = latest if frame.time is None else max(latest, frame.time - start)
                if time - latest > LONGEST_FRAME:
                    self.damage = f"jumps from {latest:.1f} s to {time:.1f} s"
                    return
                latest, count = time, count + 1
                yield PyavFrame(time, _seconds_shown(frame), frame)
                if frame.time is None:
                    latest += _seconds_shown(frame)
        except MemoryError:
            raise
        except av.FFmpegError as error:
            self.damage = f"is damaged after {latest:.1f} s ({error.strerror})"
        if not count:
            reason = self.damage or "has no frame that can be decoded"
            raise InputError(f"{self._path} {reason}: fetch it again, or leave it out")


def open_container(path: Path, formats: str = CONTAINERS) -> av.container.InputContainer:
    """Open a media file, allowing real containers from the local disk only; InputError if it is none.

    ``formats`` are FFmpeg's names, with commas between.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: give a video file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: delete it, or fetch it again")
    # protocol_whitelist stops addresses, format_whitelist stops files that name other files.
    guard = {"format_whitelist": formats, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    try:
        return av.open(f"file:{path.resolve()}", options=guard)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} is no video that can be read ({reason}): convert it to .mp4, or leave it out") from error


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The video stream marked as default, else the first; the cover of a record is none."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise InputError(f"{path} has no picture, only sound or text: leave it out of extraction")
    stream = max(streams, key=lambda stream: bool(stream.disposition & Disposition.default))
    stream.codec_context.thread_count = 1  # the processes around us share the cores by video
    return stream


def _declared_end(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """By the stream, or else the container's word, which also counts the sound."""
    own = stream_end(container, stream)
    return container.duration / av.time_base if own is None and container.duration else own


def stream_end(container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream) -> float | None:
    """Seconds from the start of the file at which a stream ends by its own word (.mp4) or its tag (.mkv), if it says."""
    start = (container.start_time or 0) / av.time_base
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - start
    tag = stream.metadata.get("DURATION", "").split(":")  # 00:00:10.350000000, and it counts from 0
    if len(tag) == 3 and all(part.replace(".", "", 1).isdecimal() for part in tag):
        return int(tag[0]) * 3600 + int(tag[1]) * 60 + float(tag[2]) - start
    return None


def _check_budget(stream: av.VideoStream, declared_end: float | None, path: Path) -> None:
    """InputError if the header announces more than any real video is."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise InputError(f"{path} claims {width} x {height} pixels, more than 8K: scale it down, or leave it out")
    check_length(declared_end, path)


def check_length(declared_end: float | None, path: Path) -> None:
    """InputError if a file claims to last longer than LONGEST_VIDEO."""
    if declared_end and declared_end > LONGEST_VIDEO:
        raise InputError(f"{path} claims to last {declared_end / 3600:,.0f} hours, more than 24: cut it, or leave it out")


def _seconds_shown(frame: av.VideoFrame) -> float:
    if frame.duration and frame.time_base and frame.duration * frame.time_base <= LONGEST_FRAME:
        return float(frame.duration * frame.time_base)
    return FRAME_SECONDS
