"""A decoded frame, whoever decoded it, and how it becomes a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import av
import av.filter
import numpy as np

MAX_PIXELS = 8192 * 4320
"""In one frame: 8K. Read from the header, so that a file which claims more costs nothing."""
MOST_FRAMES_PER_SECOND = 1000
"""Cameras take 960 at most, and a file that keeps milliseconds may claim one in each."""
LONGEST_VIDEO = 24 * 3600.0
LONGEST_FRAME = 600.0
"""Seconds. A frame that claims to be shown for longer is a damaged time stamp, not a slide of a lecture."""
FRAME_SECONDS = 1 / 20
"""How long a frame is shown whose file is silent about it."""


@dataclass(frozen=True)
class FrameSize:
    """How a frame becomes a model's input: it is resized, then its middle ``crop`` squared is taken.

    Attributes:
        squeeze: resize to ``resize`` squared whatever the proportions; else the shorter side becomes ``resize``.
    """

    resize: int = 256
    crop: int = 224
    squeeze: bool = True


class Frame(Protocol):
    """A picture of a video."""

    @property
    def time(self) -> float:
        """Seconds from the start of the file."""

    @property
    def seconds(self) -> float:
        """How long it is shown, by the file's word."""

    def picture(self) -> np.ndarray:
        """Upright, uint8 [crop, crop, 3], RGB, of the size that its video was opened for."""


class Damage(Exception):
    """A file that cannot be followed any further, in words that come after its name."""


class Clock:
    """When frames are shown, given in the order of showing: none before the one before it.

    Attributes:
        latest: seconds from the start of the file.
    """

    def __init__(self, latest: float = 0.0) -> None:
        self.latest = latest

    def at(self, time: float | None, seconds: float) -> float:
        """When a frame is shown that the file puts at ``time``, and that lasts ``seconds``; Damage if that is beyond belief."""
        shown = self.latest if time is None else max(self.latest, time)
        if shown - self.latest > LONGEST_FRAME:
            raise Damage(f"jumps from {self.latest:.1f} s to {shown:.1f} s")
        if shown > LONGEST_VIDEO:
            raise Damage(f"goes on after {LONGEST_VIDEO / 3600:.0f} hours")
        self.latest = shown + seconds if time is None else shown
        return shown


class Scaler:
    """Frames as a model takes them: turned upright, resized, their middle taken.

    FFmpeg's filters do it, as they do inside decord, so that both decoders give the same bytes.
    """

    def __init__(self, size: FrameSize) -> None:
        self._size = size
        self._graph = av.filter.Graph()
        self._fits: tuple[object, ...] = ()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """uint8 [crop, crop, 3], RGB."""
        kind = (
            frame.width,
            frame.height,
            frame.format.name,
            frame.rotation,
            frame.colorspace,
            frame.color_range,
        )
        if kind != self._fits:  # a stream may change in its middle
            self._graph, self._fits = _filters(frame, self._size), kind
        self._graph.vpush(frame)
        return middle(self._graph.vpull().to_ndarray(), self._size)


def upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    """The width and height of a frame once it is turned upright."""
    return (
        (frame.height, frame.width) if frame.rotation % 180 == 90 else (frame.width, frame.height)
    )


def resized(width: int, height: int, size: FrameSize) -> tuple[int, int]:
    """The width and height to which an upright frame is resized before its middle is taken."""
    if size.squeeze:
        return size.resize, size.resize
    shorter = min(width, height)
    return max(size.crop, round(width * size.resize / shorter)), max(
        size.crop, round(height * size.resize / shorter)
    )


def middle(picture: np.ndarray, size: FrameSize) -> np.ndarray:
    """The crop of a resized picture: uint8 [crop, crop, 3]."""
    top, left = (picture.shape[0] - size.crop) // 2, (picture.shape[1] - size.crop) // 2
    return picture[top : top + size.crop, left : left + size.crop]


def upright(picture: np.ndarray, degrees: int) -> np.ndarray:
    """Turn a picture by the counter-clockwise angle its file asks for, if it is one of quarter turns."""
    return np.rot90(picture, 0 if degrees % 90 else degrees // 90)


_TURNS = {90: ["cclock"], 180: ["clock", "clock"], 270: ["clock"]}


def _filters(frame: av.VideoFrame, size: FrameSize) -> av.filter.Graph:
    """What frames like this one go through. Other angles than quarter turns are left alone."""
    graph = av.filter.Graph()
    graph.threads = 1  # the processes around us share the cores by video
    width, height = resized(*upright_size(frame), size)
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        ),
        *(graph.add("transpose", turn) for turn in _TURNS.get(frame.rotation % 360, ())),
        graph.add("scale", f"{width}:{height}:flags=bilinear"),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ).configure()
    return graph
