"""A decoded frame, whoever decoded it, and how it becomes a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np

MAX_PIXELS = 8192 * 4320
"""In one frame: 8K. Read from the header, so that a file which claims more costs nothing."""
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

    def picture(self, size: FrameSize) -> np.ndarray:
        """Upright, uint8 [crop, crop, 3], RGB."""


def model_input(frame: av.VideoFrame, size: FrameSize, degrees: int) -> np.ndarray:
    """``frame`` resized, cropped and turned: uint8 [crop, crop, 3], RGB."""
    shorter = min(frame.width, frame.height)
    width = size.resize if size.squeeze else max(size.crop, round(frame.width * size.resize / shorter))
    height = size.resize if size.squeeze else max(size.crop, round(frame.height * size.resize / shorter))
    picture = frame.reformat(width, height, "rgb24", interpolation="BILINEAR").to_ndarray()
    top, left = (height - size.crop) // 2, (width - size.crop) // 2
    return upright(picture[top : top + size.crop, left : left + size.crop], degrees)


def upright(picture: np.ndarray, degrees: int) -> np.ndarray:
    """Turn a picture by the counter-clockwise angle its file asks for, which the decoder leaves to us."""
    return np.rot90(picture, degrees // 90)
