"""A decoded frame as it is meant to be seen: upright, in proportion, without combs, in RGB.

FFmpeg's filters resize, as they do inside decord, so both decoders give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np

from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.tone_mapping import TRANSFERS, tone_mapped

WIDEST_PIXEL = 4
"""Pixels are at most so many times as wide as high, or high as wide; else a header is damaged."""
_TURNS = {90: ["cclock"], 180: ["clock", "clock"], 270: ["clock"]}


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes an upright one.

    Attributes:
        degrees: it is turned counter-clockwise by 0, 90, 180 or 270.
        mirrored: it is turned upside down before, as the pictures of front cameras may be.
    """

    degrees: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Read the display matrix of a frame. Other angles than quarter turns are left alone.

        The matrix takes a pixel at (x, y) to (a x + c y, b x + d y), as 16.16 numbers a, b, u, c, d
        (ISO/IEC 14496-12, 6.2.2). PyAV's ``rotation`` is the angle of (a, b) alone.
        """
        degrees = frame.rotation % 360
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
        if matrix is None or degrees % 90:
            return cls()
        a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
        return cls(degrees, mirrored=a * d - b * c < 0)

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return self.degrees % 180 == 90

    def mirror(self, picture: np.ndarray) -> np.ndarray:
        """Mirror a picture that is turned already, if its file asks for that.

        To turn a picture upside down and then by a quarter is to turn it first and swap left and
        right.
        """
        if not self.mirrored:
            return picture
        return np.flip(picture, axis=1 if self.is_sideways else 0)


class Scaler:
    """Turns frames of one video upright and resizes them."""

    def __init__(
        self, resized: Callable[[int, int], tuple[int, int]], pixel: Fraction | None = None
    ) -> None:
        """Make a scaler.

        Args:
            resized: the new width and height for those of an upright picture with square pixels.
            pixel: how much wider than high a stored pixel is shown; None where the file is silent.
        """
        self._resized = resized
        self._pixel = pixel
        self._graph = av.filter.Graph()
        self._kind: tuple[object, ...] = ()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Return a picture, uint8 RGB [height, width, 3]."""
        orientation = Orientation.of(frame)
        kind = (
            frame.width,
            frame.height,
            frame.format.name,
            orientation,
            frame.colorspace,
            frame.color_range,
            frame.color_trc,
            frame.interlaced_frame,
        )
        if kind != self._kind:  # a stream may change in its middle
            self._graph, self._kind = self._filters(frame, orientation), kind
        self._graph.vpush(frame)
        picture = orientation.mirror(self._graph.vpull().to_ndarray())
        transfer = TRANSFERS.get(frame.color_trc)
        return picture if transfer is None else tone_mapped(picture, transfer)

    def _filters(self, frame: av.VideoFrame, orientation: Orientation) -> av.filter.Graph:
        """Build what frames like this one go through."""
        graph = av.filter.Graph()
        graph.threads = 1  # the processes around us share the cores by video
        width, height = self._resized(*upright_size(frame, self._pixel))
        # Of an interlaced frame one field is kept: the other was taken at another time.
        field = [graph.add("field", "type=top")] if frame.interlaced_frame else []
        graph.link_nodes(
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base,
            ),
            *field,
            *(graph.add("transpose", turn) for turn in _TURNS.get(orientation.degrees, ())),
            graph.add("scale", f"{width}:{height}:flags=bilinear"),
            graph.add("format", "rgb48le" if frame.color_trc in TRANSFERS else "rgb24"),
            graph.add("buffersink"),
        ).configure()
        return graph


def upright_size(frame: av.VideoFrame, pixel: Fraction | None = None) -> tuple[int, int]:
    """Return the width and height of a frame once it is upright and its pixels are square."""
    pixel = pixel or Fraction(1)
    if not 1 / WIDEST_PIXEL <= pixel <= WIDEST_PIXEL:
        pixel = Fraction(1)
    width, height = max(1, round(frame.width * pixel)), frame.height
    return (height, width) if Orientation.of(frame).is_sideways else (width, height)


def resized(width: int, height: int, size: FrameSize) -> tuple[int, int]:
    """Return the width and height that an upright frame gets before its middle is taken."""
    if size.squeeze:
        return size.resize, size.resize
    shorter = min(width, height)
    return (
        max(size.crop, round(width * size.resize / shorter)),
        max(size.crop, round(height * size.resize / shorter)),
    )


def middle(picture: np.ndarray, size: FrameSize) -> np.ndarray:
    """Return the middle of a resized picture, uint8 [crop, crop, 3]."""
    top, left = (picture.shape[0] - size.crop) // 2, (picture.shape[1] - size.crop) // 2
    return picture[top : top + size.crop, left : left + size.crop]
