"""How often a model names the verb and the noun of a segment that it never saw, beside what it must beat.

The rows, for every benchmark the same:
    chance           k of n labels
    frequency prior  the labels that training has most often, whatever is shown
    language prior   the template alone, no video
    shuffled video   the template with another segment's visual words: what is left once they do not fit
    cross-modal      the template with the segment's own
    linear probe     supervised: what a linear classifier of the mean features learnt from training segments
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.answers.zero_shot import TEMPLATE, Sensitivity, label_probabilities, sensitivity
from videobert.evaluation.accuracy import Accuracy, accuracy, top_k_hits
from videobert.evaluation.linear_probe import LinearProbe
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

METHODS = (
    "chance",
    "frequency_prior",
    "language_prior",
    "shuffled_video",
    "cross_modal",
    "linear_probe",
)
KS = (1, 5)
ASKED_TOGETHER = 256
"""Segments; between so many it is said how far the work is."""
COLUMNS = tuple(f"{kind}_top{k}" for kind in ("verb", "noun") for k in KS)
Row = Mapping[str, Accuracy]
"""An accuracy for each of COLUMNS."""
Scores = Sequence[np.ndarray]
"""Of verbs and of nouns, [segments, labels] each."""


@dataclass(frozen=True)
class Labels:
    """What is ranked, and how often training has each."""

    verbs: Sequence[str]
    nouns: Sequence[str]
    verb_counts: Sequence[int]
    noun_counts: Sequence[int]


@dataclass(frozen=True)
class Segment:
    """A labelled part of a video.

    Attributes:
        verb, noun: their numbers in the lists of labels.
        words: its visual words; a training segment needs none.
        feature: the mean of its clips' features, float32 [width]; None where there are none.
    """

    video: str
    verb: int
    noun: int
    words: Ids
    feature: np.ndarray | None


@dataclass(frozen=True)
class ActionTable:
    """What came out.

    Attributes:
        rows: by method, then by column.
        left_out: the methods without a row, and why.
        sensitivity: of ``verb`` and ``noun`` of the cross-modal row to the template.
    """

    videos: int
    segments: int
    templates: tuple[str, ...]
    rows: Mapping[str, Row]
    left_out: Mapping[str, str]
    sensitivity: Mapping[str, Sensitivity]

    def cells(self) -> list[list[str]]:
        """For people: a line a method, its name first, then its figures in the order of COLUMNS."""
        rows = {
            method: [str(row[column]) for column in COLUMNS] for method, row in self.rows.items()
        }
        return [
            [method.replace("_", " "), *rows.get(method, ["left out"] * len(COLUMNS))]
            for method in METHODS
        ]


def action_table(
    model: TrainedModel,
    segments: Sequence[Segment],
    training: Sequence[Segment],
    labels: Labels,
    templates: Sequence[str] = (TEMPLATE,),
    progress: Progress = silent,
) -> ActionTable:
    """Every method's accuracies, in [0, 1]; those of several templates are of the mean of their probabilities.

    InputError if there is no segment, a template has not two masks, or the vocabulary cannot spell a label.
    """
    if not segments:
        raise InputError(
            "there is no segment to evaluate: give videos in which a clip has a verb and a noun"
        )

    def ask(stage: str, visual: Sequence[Ids]) -> list[torch.Tensor]:
        found = []
        for first in range(0, len(visual), ASKED_TOGETHER):
            chosen = visual[first : first + ASKED_TOGETHER]
            found.append(
                label_probabilities(model, templates, chosen, (labels.verbs, labels.nouns))
            )
            progress(stage, first + len(chosen), len(visual))
        return [torch.cat(probabilities, dim=1) for probabilities in zip(*found, strict=True)]

    words = [segment.words for segment in segments]
    cross_modal = ask("cross-modal", words)
    # Another segment's words: the list moved on by half of itself, so that no segment keeps its own.
    others = words[len(words) // 2 :] + words[: len(words) // 2]
    found: dict[str, Scores | str] = {
        "frequency_prior": [
            np.tile(counts, (len(words), 1)) for counts in (labels.verb_counts, labels.noun_counts)
        ],
        "language_prior": [
            scores.repeat(len(words), axis=0) for scores in _averages(ask("language", [[]]))
        ],
        "shuffled_video": _averages(ask("shuffled", others))
        if len(words) > 1
        else "there is but one segment",
        "cross_modal": _averages(cross_modal),
        "linear_probe": _linear_probe(segments, training, labels),
    }
    rows = {
        method: _row(scores, segments)
        for method, scores in found.items()
        if not isinstance(scores, str)
    }
    return ActionTable(
        len({segment.video for segment in segments}),
        len(segments),
        tuple(templates),
        {"chance": _chance(labels), **rows},
        {method: reason for method, reason in found.items() if isinstance(reason, str)},
        dict(zip(("verb", "noun"), map(sensitivity, cross_modal), strict=True)),
    )


def _averages(by_mask: Sequence[torch.Tensor]) -> Scores:
    """Of the probabilities of each mask, [templates, segments, labels], the mean over templates."""
    return [probabilities.mean(dim=0).numpy() for probabilities in by_mask]


def _row(scores: Scores, segments: Sequence[Segment]) -> Row:
    truths = np.array([(segment.verb, segment.noun) for segment in segments]).T
    videos = np.array([segment.video for segment in segments])
    figures = [
        accuracy(top_k_hits(s, truth, k), videos)
        for s, truth in zip(scores, truths, strict=True)
        for k in KS
    ]
    return dict(zip(COLUMNS, figures, strict=True))


def _chance(labels: Labels) -> Row:
    shares = [min(1.0, k / len(words)) for words in (labels.verbs, labels.nouns) for k in KS]
    return {
        column: Accuracy(share, share, share) for column, share in zip(COLUMNS, shares, strict=True)
    }


def _linear_probe(
    segments: Sequence[Segment], training: Sequence[Segment], labels: Labels
) -> Scores | str:
    """Scores of a probe of verbs and one of nouns, or why there are none."""
    known, asked = _features(training), _features(segments)
    if known is None:
        return "no training segment has features"
    if asked is None or len(asked) < len(segments):
        return "not every segment has features"
    scores = []
    for kind, words in (("verb", labels.verbs), ("noun", labels.nouns)):
        truth = np.array(
            [getattr(segment, kind) for segment in training if segment.feature is not None]
        )
        if len(np.unique(truth)) < 2:
            return f"the training segments that have features have one {kind} only"
        scores.append(LinearProbe.fit(known, truth, len(words)).scores(asked))
    return scores


def _features(segments: Sequence[Segment]) -> np.ndarray | None:
    """The features of those that have some, float32 [segments, width]; None if none has."""
    found = [segment.feature for segment in segments if segment.feature is not None]
    return np.stack(found) if found else None
