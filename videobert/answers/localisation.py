"""When in a video a sentence is shown: the window of its clips that fits it best.

Windows of LENGTHS clips slide over the video clip by clip. Each length is twice the one before, so
one of them is within a factor of the square root of two of any right length. An IoU of 0.7 is then
in reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.judging import judged
from videobert.answers.options import LocateOptions
from videobert.answers.spelling import check_sentence
from videobert.data.clips import Clips
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

LENGTHS = LocateOptions.length
"""Clips: 3, 6, 12 and 24 seconds."""
SAME = 0.5
"""IoU from which two windows are one answer."""


@dataclass(frozen=True)
class Location:
    """A window of a video that may show a sentence.

    Attributes:
        start: Start in seconds.
        end: End in seconds.
        score: How well it fits among the windows, in standard deviations; see judging.
    """

    start: float
    end: float
    score: float


@dataclass(frozen=True)
class Windows:
    """Windows of a video.

    Attributes:
        sizes: Clips of each, int [windows].
        times: Start and end of each in seconds, float64 [windows, 2].
        words: Visual words of each.
    """

    sizes: np.ndarray
    times: np.ndarray
    words: list[np.ndarray]

    @classmethod
    def of(cls, clips: Clips, lengths: Sequence[int]) -> Windows:
        """Cut a video into all its windows; see ``windows_of``."""
        bounds = windows_of(clips, lengths)
        words = [clips.words[first:after] for first, after in bounds]
        times = np.stack([clips.start[bounds[:, 0]], clips.end[bounds[:, 1] - 1]], axis=1)
        return cls(bounds[:, 1] - bounds[:, 0], times, words)


def locate(
    model: TrainedModel,
    sentence: str,
    clips: Clips,
    lengths: Sequence[int] = LENGTHS,
    top: int = LocateOptions.top,
    progress: Progress = silent,
) -> list[Location]:
    """Find the windows that fit a sentence best, the best first.

    Args:
        model: Judges the windows.
        sentence: What is looked for.
        clips: The video.
        lengths: Lengths of the windows in clips.
        top: How many windows at most; of two whose IoU is SAME or more, only the better counts.
        progress: Hears of the windows that were judged.

    Raises:
        InputError: if the sentence is empty or cannot be spelt, or the video has no clip.
    """
    check_sentence(model.processor, sentence)
    windows = Windows.of(clips, lengths)
    scores = judged(model, sentence, windows.words, progress)
    times, kept = windows.times, list[int]()
    for place in np.argsort(-scores, kind="stable").tolist():
        if len(kept) < top and all(iou(times[place], times[other]) < SAME for other in kept):
            kept.append(place)
    return [
        Location(float(times[place, 0]), float(times[place, 1]), float(scores[place]))
        for place in kept
    ]


def windows_of(clips: Clips, lengths: Sequence[int]) -> np.ndarray:
    """List all windows of a video; of a shorter video the whole is one.

    Returns:
        The first clip of each window and the one after its last, int [windows, 2].

    Raises:
        InputError: if the video has no clip, or a length is less than 1.
    """
    count = len(clips)
    if not count or min(lengths) < 1:
        raise InputError(
            "there is no clip to look for a window in: give a longer video, and windows of 1 clip "
            "or more"
        )
    sizes = sorted({min(length, count) for length in lengths})
    return np.array([(first, first + size) for size in sizes for first in range(count - size + 1)])


def iou(spans: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Divide what spans share with another span by what the two cover together.

    Args:
        spans: Starts and ends in seconds, [..., 2].
        other: A start and an end in seconds, [2].

    Returns:
        Intersection over union, in [0, 1], [...].
    """
    shared = np.minimum(spans[..., 1], other[1]) - np.maximum(spans[..., 0], other[0])
    covered = np.maximum(spans[..., 1], other[1]) - np.minimum(spans[..., 0], other[0])
    return np.maximum(shared, 0) / covered
