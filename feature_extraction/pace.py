"""How a video is cut into clips: how long a clip is, and how many frames are taken of a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workfolder.errors import InputError

FRAMES_PER_SECOND = 20
CLIP_SECONDS = 1.5
CLIP_FRAMES = int(CLIP_SECONDS * FRAMES_PER_SECOND)
"""The paper's clips, which are the default."""
MOST_FRAMES = 512
"""Of one clip: a batch of clips has to fit into memory."""


@dataclass(frozen=True)
class Pace:
    """The paper's pace by default; clips do not overlap.

    Attributes:
        clip_seconds: how long a clip is.
        frames_per_second: how many frames are sampled of a second.

    Raises:
        InputError: if a clip would not have a whole number of frames, from 1 to MOST_FRAMES.
    """

    clip_seconds: float = CLIP_SECONDS
    frames_per_second: float = FRAMES_PER_SECOND

    def __post_init__(self) -> None:
        """Check that the two fit together."""
        frames = self.clip_seconds * self.frames_per_second
        given = f"{self.clip_seconds:g} s at {self.frames_per_second:g} frames a second"
        if abs(frames - round(frames)) > 1e-6:
            advice = "change --clip-seconds or --frames-per-second so that it has a whole number"
            raise InputError(f"a clip of {given} has {frames:.6g} frames: {advice}")
        if not 1 <= round(frames) <= MOST_FRAMES:
            advice = "change --clip-seconds or --frames-per-second"
            raise InputError(
                f"a clip of {given} has {frames:.6g} frames, not 1 to {MOST_FRAMES}: {advice}"
            )

    @property
    def clip_frames(self) -> int:
        """How many frames a clip has."""
        return round(self.clip_seconds * self.frames_per_second)

    def provenance(self) -> dict[str, int | float]:
        """Return what options.json notes of the pace; schema.clip_seconds reads it."""
        rate = self.frames_per_second
        return {
            "frames_per_second": int(rate) if rate == int(rate) else rate,
            "clip_frames": self.clip_frames,
        }


def clip_seconds(made_with: Mapping[str, Any]) -> float:
    """Return the seconds from a clip to the next in features that were made with these options."""
    if made_with.get("imported"):
        return float(made_with["step"])
    return float(made_with["clip_frames"] / made_with["frames_per_second"])
