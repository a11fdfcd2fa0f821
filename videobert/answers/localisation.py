"""When in a video a sentence is shown: the window of its clips that the alignment head likes best.

Windows of LENGTHS clips slide over the video clip by clip. Each length is twice the one before, so that some window of the
right length is always within a factor of the square root of two, and an IoU of 0.7 is in reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.alignment import check_sentence, fits
from videobert.answers.options import LocateOptions
from videobert.data.passages import Track
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

LENGTHS = LocateOptions.length
"""Clips: 3, 6, 12 and 24 seconds."""
SAME = 0.5
"""IoU from which two windows are one answer."""


@dataclass(frozen=True)
class Location:
    """A window of a video, in seconds, and the head's log odds, in nats, that the sentence belongs to it."""

    start: float
    end: float
    score: float


def locate(
    model: TrainedModel,
    sentence: str,
    track: Track,
    lengths: Sequence[int] = LENGTHS,
    top: int = LocateOptions.top,
    progress: Progress = silent,
) -> list[Location]:
    """The ``top`` windows that fit a sentence best, the best first; of two whose IoU is SAME or more, the better one.

    InputError if the sentence is empty or cannot be spelt, or the video has no clip.
    """
    check_sentence(model.processor, sentence)
    windows = windows_of(track, lengths)
    times = _times(track, windows)
    scores = _scores(model, sentence, track, windows, progress)
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if len(kept) < top and all(iou(times[place], times[other]) < SAME for other in kept):
            kept.append(int(place))
    return [
        Location(float(times[place, 0]), float(times[place, 1]), float(scores[place]))
        for place in kept
    ]


def windows_of(track: Track, lengths: Sequence[int]) -> np.ndarray:
    """First clip and the one after the last of every window, int [windows, 2]; of a shorter video the whole."""
    count = len(track.words)
    if not count or min(lengths) < 1:
        raise InputError(
            "there is no clip to look for a window in: give a longer video, and windows of 1 clip or more"
        )
    sizes = sorted({min(length, count) for length in lengths})
    return np.array([(first, first + size) for size in sizes for first in range(count - size + 1)])


def _times(track: Track, windows: np.ndarray) -> np.ndarray:
    """Start and end of windows in seconds, float64 [windows, 2]."""
    return np.stack([track.start[windows[:, 0]], track.end[windows[:, 1] - 1]], axis=1)


def _scores(
    model: TrainedModel,
    sentence: str,
    track: Track,
    windows: np.ndarray,
    progress: Progress = silent,
) -> np.ndarray:
    """The head's log odds, float32 [windows]."""
    return fits(model, sentence, [track.words[first:after] for first, after in windows], progress)


def iou(spans: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What spans share with another span over what both cover, in [0, 1]: [..., 2] and [2], in seconds -> [...]."""
    shared = np.minimum(spans[..., 1], other[1]) - np.maximum(spans[..., 0], other[0])
    covered = np.maximum(spans[..., 1], other[1]) - np.minimum(spans[..., 0], other[0])
    return np.maximum(shared, 0) / covered
