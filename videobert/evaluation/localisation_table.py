"""How well a sentence is found in its whole video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.localisation import LENGTHS, _scores, _times, iou, windows_of
from videobert.data.passages import Passages, Track
from videobert.evaluation.accuracy import Accuracy, accuracy
from videobert.evaluation.options import SampleOptions
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

IOUS = (0.3, 0.5, 0.7)

METHODS = ("chance", "alignment")


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
        return [
            [method, str(row.iou), *(str(row.recall[iou]) for iou in IOUS)]
            for method, row in self.rows.items()
        ]


def localisation_table(
    model: TrainedModel,
    passages: Passages,
    tracks: Mapping[str, Track],
    lengths: Sequence[int] = LENGTHS,
    most: int = SampleOptions.most,
    seed: int = SampleOptions.seed,
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
    said = {
        video: spoken.take(np.flatnonzero(np.array(spoken.video) == video))
        for video in sorted(set(spoken.video))
    }
    absent = next((video for video in said if video not in tracks), None)
    if not said or absent:
        raise InputError(
            f"{absent or 'the folder'} has no sentence with its visual words to look for: tokenize a spoken video"
        )
    every = [
        (video, number)
        for video, rows in said.items()
        for number in range(len(rows.sentences()[0]))
    ]
    asked = [
        every[place]
        for place in np.sort(np.random.default_rng(seed).permutation(len(every))[:most])
    ]
    found = []
    for done, (video, number) in enumerate(asked, 1):
        found.append(_overlaps(model, said[video], number, tracks[video], lengths))
        progress("sentences", done, len(asked))
    groups = np.array([video for video, _ in asked])
    rows = {
        method: _located([pair[n] for pair in found], groups) for n, method in enumerate(METHODS)
    }
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
    recall = {
        least: accuracy(np.array([(shared >= least).mean() for shared in overlaps]), groups)
        for least in IOUS
    }
    return Located(accuracy(np.array([shared.mean() for shared in overlaps]), groups), recall)
