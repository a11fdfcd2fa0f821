"""Splits videos: those that a run learns from, and those that it is measured on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

HELD_OUT = 10
"""Every tenth name is held out for ever."""


def kept_apart(
    videos: Sequence[str] | np.ndarray, share: float, seed: int, least: int = 0
) -> np.ndarray:
    """Choose a random share of the videos, but never all of them.

    Args:
        videos: [rows], the video of each row.
        share: of the videos, rounded; 0 keeps none apart.
        seed: what the choice follows from.
        least: videos to choose at least, where the share is not 0.

    Returns:
        Which rows are of the chosen videos, bool [rows].
    """
    names = np.unique(videos)
    number = max(round(share * len(names)), least) if share else 0
    chosen = np.random.default_rng(seed).permutation(names)[: min(number, len(names) - 1)]
    return np.isin(videos, chosen)


def is_held_out(name: str) -> bool:
    """Tell whether a file of this name is never trained on, wherever it lies."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0
