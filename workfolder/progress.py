"""How a stage says how far it is, to whoever listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called when a stage begins, with ``done`` what earlier runs left, and after each piece of work."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """``done`` of ``total`` pieces (videos, nodes, steps) of ``stage`` are there; ``detail`` is for people."""


def silent(stage: str, done: int, total: int, detail: str = "") -> None:
    """Say nothing."""
