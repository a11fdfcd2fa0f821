"""A decoded frame, whoever decoded it, and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from feature_extraction.containers import LONGEST_FRAME, LONGEST_VIDEO

FRAME_SECONDS = 1 / 20
"""How long a frame is shown where its file does not say."""
LARGEST_SLIP = 1.0
"""Seconds by which a frame may lie behind the one before it; further behind it is not shown."""


@dataclass(frozen=True)
class FrameSize:
    """How a frame becomes a model's input: it is resized, then its middle square is taken.

    Attributes:
        resize: pixels of a side after resizing.
        crop: pixels of a side of the middle square.
        squeeze: make both sides ``resize`` whatever the proportions; else the shorter side alone.
    """

    resize: int = 256
    crop: int = 224
    squeeze: bool = True


class Frame(Protocol):
    """A picture of a video."""

    @property
    def time(self) -> float:
        """Seconds from the start of the file at which it is shown."""

    @property
    def seconds(self) -> float:
        """How long it is shown, as the file says."""

    def picture(self) -> np.ndarray:
        """Return it upright in the size its video was opened for: uint8 RGB [crop, crop, 3]."""


class Damage(Exception):
    """A file cannot be followed further. The message continues a sentence that names the file."""


class Clock:
    """Tells when frames are shown that come in the order of showing: none before the one before it.

    Attributes:
        latest: seconds from the start of the file.
        behind: frames so far whose own time lies more than LARGEST_SLIP before the latest.
    """

    def __init__(self, latest: float = 0.0) -> None:
        self.latest = latest
        self.behind = 0

    def at(self, time: float | None, seconds: float) -> float:
        """Return when the next frame is shown.

        Args:
            time: where the file puts it, in seconds; None where it does not say.
            seconds: how long it is shown.

        Raises:
            Damage: if that time cannot be true.
        """
        shown = self.latest if time is None else max(self.latest, time)
        if shown - self.latest > LONGEST_FRAME:
            raise Damage(f"jumps from {self.latest:.1f} s to {shown:.1f} s")
        if shown > LONGEST_VIDEO:
            raise Damage(f"goes on after {LONGEST_VIDEO / 3600:.0f} hours")
        self.behind += time is not None and shown - time > LARGEST_SLIP
        self.latest = shown + seconds if time is None else shown
        return shown
