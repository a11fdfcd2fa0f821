"""When in a video a sentence is shown: the window of its clips that the alignment head likes best.

Windows of LENGTHS clips slide over the video clip by clip. Each length is twice the one before, so that some window of the
right length is always within a factor of the square root of two, and an IoU of 0.7 is in reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from feature_extraction.errors import InputError
from feature_extraction.progress import Progress, silent
from videobert.loading import TrainedModel
from videobert.tasks.accuracy import Accuracy, accuracy
from videobert.tasks.alignment import check_sentence, fits
from videobert.tasks.passages import Passages, Track

LENGTHS = (2, 4, 8, 16)
"""Clips: 3, 6, 12 and 24 seconds."""
SAME = 0.5
"""IoU from which two windows are one answer."""
IOUS = (0.3, 0.5, 0.7)
METHODS = ("chance", "alignment")


@dataclass(frozen=True)
class Location:
    """A window of a video, in seconds, and the head's log odds, in nats, that the sentence belongs to it."""

    start: float
    end: float
    score: float


@dataclass(frozen=True)
class Located:
    """How well windows cover what was to be found: the mean temporal IoU, and by IOUS the share that reaches it."""

    iou: Accuracy
    recall: Mapping[float, Accuracy]


@dataclass(frozen=True)
class LocalisationTable:
    """What came out, by METHODS."""

    sentences: int
    videos: int
    rows: Mapping[str, Located]

    def cells(self) -> list[list[str]]:
        """For people: a line a method, then the mean IoU and recall at each of IOUS."""
        return [[method, str(row.iou), *(str(row.recall[iou]) for iou in IOUS)] for method, row in self.rows.items()]


def locate(
    model: TrainedModel,
    sentence: str,
    track: Track,
    lengths: Sequence[int] = LENGTHS,
    top: int = 1,
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
    return [Location(float(times[place, 0]), float(times[place, 1]), float(scores[place])) for place in kept]


def windows_of(track: Track, lengths: Sequence[int]) -> np.ndarray:
    """First clip and the one after the last of every window, int [windows, 2]; of a shorter video the whole."""
    count = len(track.words)
    if not count or min(lengths) < 1:
        raise InputError("there is no clip to look for a window in: give a longer video, and windows of 1 clip or more")
    sizes = sorted({min(length, count) for length in lengths})
    return np.array([(first, first + size) for size in sizes for first in range(count - size + 1)])


def _times(track: Track, windows: np.ndarray) -> np.ndarray:
    """Start and end of windows in seconds, float64 [windows, 2]."""
    return np.stack([track.start[windows[:, 0]], track.end[windows[:, 1] - 1]], axis=1)


def _scores(model: TrainedModel, sentence: str, track: Track, windows: np.ndarray, progress: Progress = silent) -> np.ndarray:
    """The head's log odds, float32 [windows]."""
    return fits(model, sentence, [track.words[first:after] for first, after in windows], progress)


def iou(spans: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What spans share with another span over what both cover, in [0, 1]: [..., 2] and [2], in seconds -> [...]."""
    shared = np.minimum(spans[..., 1], other[1]) - np.maximum(spans[..., 0], other[0])
    covered = np.maximum(spans[..., 1], other[1]) - np.minimum(spans[..., 0], other[0])
    return np.maximum(shared, 0) / covered


def localisation_table(
    model: TrainedModel,
    passages: Passages,
    tracks: Mapping[str, Track],
    lengths: Sequence[int] = LENGTHS,
    most: int = 500,
    seed: int = 0,
    progress: Progress = silent,
) -> LocalisationTable:
    """Find each sentence of ``passages`` in its whole video; when it is said is taken for when it is shown.

    A sentence that a video has several times is asked once there, and the best overlap with one of its times counts.
    Chance is a window as long as the one that was found, anywhere in the video: the mean over all of them.

    Args:
        most: of more sentences so many are drawn at random; ``seed`` decides which.

    InputError if nobody speaks, or a video is not among ``tracks``.
    """
    spoken = passages.spoken()
    said = {video: spoken.take(np.flatnonzero(np.array(spoken.video) == video)) for video in sorted(set(spoken.video))}
    absent = next((video for video in said if video not in tracks), None)
    if not said or absent:
        raise InputError(f"{absent or 'the folder'} has no sentence with its visual words to look for: tokenize a spoken video")
    every = [(video, number) for video, rows in said.items() for number in range(len(rows.sentences()[0]))]
    asked = [every[place] for place in np.sort(np.random.default_rng(seed).permutation(len(every))[:most])]
    found = []
    for done, (video, number) in enumerate(asked, 1):
        found.append(_overlaps(model, said[video], number, tracks[video], lengths))
        progress("sentences", done, len(asked))
    groups = np.array([video for video, _ in asked])
    rows = {method: _located([pair[n] for pair in found], groups) for n, method in enumerate(METHODS)}
    return LocalisationTable(len(asked), len(set(groups)), rows)


def _overlaps(
    model: TrainedModel, said: Passages, asked: int, track: Track, lengths: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """For a sentence of a video, by its number, the IoUs of all windows as long as the best one, and that of the best one."""
    sentences, number = said.sentences()
    windows = windows_of(track, lengths)
    times = _times(track, windows)
    sizes = windows[:, 1] - windows[:, 0]
    best = int(_scores(model, sentences[asked], track, windows).argmax())
    spans = np.stack([said.start, said.end], axis=1)[number == asked]
    shared = np.max([iou(times, span) for span in spans], axis=0)
    return shared[sizes == sizes[best]], shared[[best]]


def _located(overlaps: Sequence[np.ndarray], groups: np.ndarray) -> Located:
    """The measures, each the mean over sentences of the mean over its windows."""
    recall = {least: accuracy(np.array([(shared >= least).mean() for shared in overlaps]), groups) for least in IOUS}
    return Located(accuracy(np.array([shared.mean() for shared in overlaps]), groups), recall)
