"""How a kitchen is filmed: how long its steps are, and how large and how dense its pictures."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]
"""The least and the most."""


@dataclass(frozen=True)
class Style:
    """What all videos of a kitchen have in common.

    Attributes:
        steps: steps in a video, both included.
        step_seconds: how long a step lasts.
        pause_seconds: how long the table is shown after a step.
        intro_seconds: how long the table is shown before the first step.
        spoken_share: share of the steps of which the cook speaks.
        held_out_share: share of the videos in each of the two held-out splits.
        width: pixels of a frame; its height is three quarters of it. Both are even.
        fps: frames per second; steps begin and end on a frame.
        preset: of libx264; a faster one makes larger files.
    """

    steps: tuple[int, int] = (5, 8)
    step_seconds: Range = (4.5, 9.0)
    pause_seconds: Range = (0.5, 1.5)
    intro_seconds: Range = (1.5, 3.0)
    spoken_share: float = 0.85
    held_out_share: float = 0.15
    width: int = 320
    fps: int = 20
    preset: str = "veryfast"

    @property
    def height(self) -> int:
        """Pixels of a frame."""
        return self.width * 3 // 4

    def frame(self, seconds: float) -> int:
        """The number of the frame that is shown from a moment on."""
        return round(seconds * self.fps)


CALM = Style()
"""The kitchen of docs/results.md."""
BRISK = Style(
    step_seconds=(3.5, 6.0),
    pause_seconds=(0.4, 0.9),
    intro_seconds=(0.8, 1.4),
    spoken_share=0.95,
    held_out_share=0.08,
    width=160,
    fps=8,
    preset="ultrafast",
)
"""Many videos in little time: short steps, small pictures, and a cook who is seldom silent."""
