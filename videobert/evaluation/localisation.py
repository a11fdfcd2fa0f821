"""How well a sentence is found in its whole video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.alignment import sentence_scores
from videobert.answers.judging import judged
from videobert.answers.likelihood import likelihoods
from videobert.answers.localisation import LENGTHS, Windows, iou
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch, different_sentences, sample, spoken
from videobert.evaluation.intervals import estimate
from videobert.evaluation.options import SampleOptions
from videobert.evaluation.table import Row, Table
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

IOUS = (0.3, 0.5, 0.7)
METHODS = ("chance", "alignment", "likelihood", "both")


@dataclass(frozen=True)
class LocalisationResult:
    """How well windows cover what was to be found.

    Attributes:
        sentences: How many were looked for.
        videos: In how many videos.
        rows: By METHODS: ``iou``, the mean temporal IoU, and ``recall``, by IOUS the share of
            sentences that reach it.
    """

    sentences: int
    videos: int
    rows: Table


def evaluate_localisation(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    videos: Mapping[str, Clips],
    lengths: Sequence[int] = LENGTHS,
    most: int = SampleOptions.most,
    seed: int = SampleOptions.seed,
    progress: Progress = silent,
) -> LocalisationResult:
    """Find each sentence in its whole video; when it is said is taken for when it is shown.

    A sentence that a video has several times is asked once there, and the best overlap with one of
    its times counts. Chance is a window as long as the one that was found, anywhere in the video:
    the mean over all of them.

    Args:
        model: Judges the windows.
        stretches: Those without a sentence are not asked.
        videos: The clips of each whole video, by id.
        lengths: Lengths of the windows in clips.
        most: How many sentences are asked; if there are more, so many are drawn.
        seed: Decides which are drawn.
        progress: Hears of the sentences.

    Raises:
        InputError: if nobody speaks, or a video has no clips.
    """
    said: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in sorted(spoken(stretches), key=lambda stretch: stretch.video):
        said[stretch.video].append(stretch)
    absent = next((video for video in said if video not in videos), None)
    if not said or absent:
        raise InputError(
            f"{absent or 'the folder'} has no sentence with its visual words to look for: tokenize "
            "a spoken video"
        )
    every = [question for rows in said.values() for question in _by_sentence(rows)]
    asked = sample(every, most, seed)
    overlaps: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
    for done, times in enumerate(asked, 1):
        found = _overlaps(model, times, videos[times[0].video], lengths)
        for method, shared in zip(METHODS, found, strict=True):
            overlaps[method].append(shared)
        progress("sentences", done, len(asked))
    groups = np.array([times[0].video for times in asked])
    rows = {method: _row(shared, groups) for method, shared in overlaps.items()}
    return LocalisationResult(len(asked), len(set(groups)), Table(rows, METHODS))


def _by_sentence(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Put the stretches of a video together that have the same sentence."""
    sentences, number = different_sentences(stretches)
    return [
        [stretch for stretch, its in zip(stretches, number, strict=True) if its == sentence]
        for sentence in range(len(sentences))
    ]


def _overlaps(
    model: TrainedModel, said: Sequence[Stretch], clips: Clips, lengths: Sequence[int]
) -> tuple[np.ndarray, ...]:
    """Measure how well windows cover a sentence, by METHODS.

    Args:
        model: Judges the windows.
        said: The stretches of one video in which the sentence is said.
        clips: The video.
        lengths: Lengths of the windows in clips.

    Returns:
        The IoUs of all windows as long as the one that locate finds, and that of the best window
        alone by the alignment head, by likelihood, and by both, as locate asks.
    """
    windows, sentence = Windows.of(clips, lengths), said[0].text
    aligned = int(sentence_scores(model, sentence, windows.words).argmax())
    likeliest = int(likelihoods(model, [sentence], windows.words)[0].argmax())
    best = int(judged(model, sentence, windows.words).argmax())
    spans = np.array([(stretch.start, stretch.end) for stretch in said])
    shared = np.max([iou(windows.times, span) for span in spans], axis=0)
    any_window = shared[windows.sizes == windows.sizes[best]]
    return any_window, shared[[aligned]], shared[[likeliest]], shared[[best]]


def _row(overlaps: Sequence[np.ndarray], groups: np.ndarray) -> Row:
    """Estimate the measures, each the mean over sentences of the mean over its windows."""
    reached = {least: np.array([(shared >= least).mean() for shared in overlaps]) for least in IOUS}
    return {
        "iou": estimate(np.array([shared.mean() for shared in overlaps]), groups),
        "recall": {least: estimate(values, groups) for least, values in reached.items()},
    }
