"""How a stage reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called when a stage begins and after each piece of its work."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Report progress.

        Args:
            stage: what is being done.
            done: finished pieces (videos, nodes, steps), those of earlier runs included.
            total: all pieces.
            detail: more, for people.
        """


def silent(stage: str, done: int, total: int, detail: str = "") -> None:
    """Report nothing."""
