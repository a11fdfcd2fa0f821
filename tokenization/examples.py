"""The examples of a video: sentences with the visual words that belong to them.

Shapes:
    starts, ends: float64 [clips], seconds, in the order of time.
    tokens: int [clips], visual words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SILENT_WORDS = 16
"""Visual words in an example without speech (VideoBERT, section 4.1)."""


@dataclass(frozen=True)
class Example:
    """A stretch of video.

    Attributes:
        start: seconds.
        end: seconds.
        text: the sentence; empty where nobody speaks.
        visual: the visual words.
    """

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


def within_video(
    sentences: Sequence[TimedText], starts: np.ndarray, ends: np.ndarray
) -> list[TimedText]:
    """Select the sentences that begin before the video ends.

    The others are probably another video's. A last stretch shorter than half a clip has no clip of
    its own, so the video may last so much longer than its clips.
    """
    end = ends[-1] + (ends[0] - starts[0]) / 2 if len(ends) else 0.0
    return [sentence for sentence in sentences if sentence.start < end]


def video_examples(
    sentences: Sequence[TimedText], starts: np.ndarray, ends: np.ndarray, tokens: np.ndarray
) -> list[Example]:
    """Make the examples of one video, in the order of time.

    A clip belongs to the sentences during which its middle is shown; see clips_within. Clips that
    belong to no sentence become examples without text, of at most SILENT_WORDS words each.

    Args:
        sentences: in any order.
        starts: [clips].
        ends: [clips].
        tokens: [clips].
    """
    spoken = np.zeros(len(tokens), dtype=bool)
    examples = []
    for sentence in sentences:
        inside = clips_within(starts, ends, sentence.start, sentence.end)
        spoken[inside] = True
        words = tuple(tokens[inside].tolist())
        examples.append(Example(sentence.start, sentence.end, sentence.text, words))
    for run in _silent_runs(spoken):
        words = tuple(tokens[run].tolist())
        examples.append(Example(float(starts[run[0]]), float(ends[run[-1]]), "", words))
    return sorted(examples, key=lambda example: (example.start, example.end))


def clips_within(starts: np.ndarray, ends: np.ndarray, start: float, end: float) -> np.ndarray:
    """Find the clips that belong to the stretch from ``start`` to ``end``, in seconds.

    These are the clips whose middle is shown during it. If it is too short for that, it is the clip
    shown at its own middle, if there is one.

    Returns:
        Places of the clips, int [found].
    """
    middles = (starts + ends) / 2
    inside = np.flatnonzero((start <= middles) & (middles <= end))
    middle = (start + end) / 2
    return inside if inside.size else np.flatnonzero((starts <= middle) & (middle < ends))


def clips_of_example(
    starts: np.ndarray, ends: np.ndarray, start: float, end: float, silent: bool
) -> np.ndarray:
    """Find again the clips that video_examples gave to an example.

    Args:
        starts: [clips].
        ends: [clips].
        start: of the example.
        end: of the example.
        silent: whether it is one where nobody speaks.

    Returns:
        Places of the clips, int [found].
    """
    if silent:  # it begins and ends with its clips
        return np.flatnonzero((start <= starts) & (ends <= end))
    return clips_within(starts, ends, start, end)


def _silent_runs(spoken: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the places of neighbouring clips without speech, at most SILENT_WORDS at once."""
    silent = np.flatnonzero(~spoken)
    breaks = np.flatnonzero(np.diff(silent) > 1) + 1
    for run in np.split(silent, breaks):
        for first in range(0, len(run), SILENT_WORDS):
            yield run[first : first + SILENT_WORDS]
