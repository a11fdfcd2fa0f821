"""Sentences and the visual words that belong to them: what a model learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SILENT_WORDS = 16
"""Visual words in an example where nobody speaks (VideoBERT, section 4.1)."""


@dataclass(frozen=True)
class Example:
    """A stretch of video: its sentence, empty where nobody speaks, and its visual words. Times in seconds."""

    start: float
    end: float
    text: str
    visual: tuple[int, ...]


@dataclass(frozen=True)
class TimedText:
    """A sentence and when it is said, in seconds."""

    start: float
    end: float
    text: str


def video_examples(
    sentences: Sequence[TimedText], starts: np.ndarray, ends: np.ndarray, tokens: np.ndarray
) -> list[Example]:
    """The examples of one video, in the order of time.

    A clip belongs to the sentences during which its middle is shown; a sentence too short for that takes the one clip
    shown at its own middle. Clips that belong to no sentence become examples without text, of at most 16 words each.

    Args:
        sentences: in any order.
        starts, ends, tokens: [clips], the clips of the video in the order of time.
    """
    spoken = np.zeros(len(tokens), dtype=bool)
    examples = []
    for sentence in sentences:
        inside = clips_within(starts, ends, sentence.start, sentence.end)
        spoken[inside] = True
        examples.append(
            Example(sentence.start, sentence.end, sentence.text, tuple(tokens[inside].tolist()))
        )
    for run in _silent_runs(spoken):
        examples.append(
            Example(float(starts[run[0]]), float(ends[run[-1]]), "", tuple(tokens[run].tolist()))
        )
    return sorted(examples, key=lambda example: (example.start, example.end))


def clips_within(starts: np.ndarray, ends: np.ndarray, start: float, end: float) -> np.ndarray:
    """The places of a video's clips that belong to the stretch from ``start`` to ``end``; all times in seconds.

    Those whose middle is shown during it; where it is too short for that, the one shown at its own middle.
    """
    middles = (starts + ends) / 2
    inside = np.flatnonzero((start <= middles) & (middles <= end))
    middle = (start + end) / 2
    return inside if inside.size else np.flatnonzero((starts <= middle) & (middle < ends))


def _silent_runs(spoken: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of neighbouring clips without speech, at most SILENT_WORDS together."""
    silent = np.flatnonzero(~spoken)
    breaks = np.flatnonzero(np.diff(silent) > 1) + 1
    for run in np.split(silent, breaks):
        for first in range(0, len(run), SILENT_WORDS):
            yield run[first : first + SILENT_WORDS]
