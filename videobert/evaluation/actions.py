"""How often a model names the verb and the noun of a stretch that it never saw.

The rows are the same for every benchmark:
    chance           k of n labels
    frequency prior  the labels that training has most often, whatever is shown
    language prior   the template alone, no video
    shuffled video   the template with another stretch's visual words: the rest if they do not fit
    cross-modal      the template with the stretch's own visual words
    calibrated       the same, asked fairly: in training's own frames, less what the model says of
                     any clip; see answers.calibration
    calibrated, shuffled   the same with another stretch's visual words
    linear probe     supervised: what a linear classifier of mean features learnt from training

Shapes: [templates], [stretches], [labels] of one kind, [width] of a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from videobert.answers.options import AS_THE_PAPER, TEMPLATE, Asking
from videobert.answers.template_sensitivity import Sensitivity, sensitivity
from videobert.answers.zero_shot import label_probabilities, question
from videobert.data.stretches import Stretch
from videobert.evaluation.chance import chance_in_top_k
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.table import Row, Table, top_k
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
    "calibrated_shuffled",
    "calibrated",
    "linear_probe",
)
KINDS = ("verb", "noun")
KS = (1, 5)
COLUMNS = tuple(f"{kind}_top{k}" for kind in KINDS for k in KS)
ASKED_TOGETHER = 256
"""Stretches between two reports of progress."""


@dataclass(frozen=True)
class ActionLabels:
    """The labels that are ranked, and how often training has each."""

    verbs: Sequence[str]
    nouns: Sequence[str]
    verb_counts: Sequence[int]
    noun_counts: Sequence[int]

    @property
    def words(self) -> tuple[Sequence[str], Sequence[str]]:
        """The labels of each of KINDS."""
        return self.verbs, self.nouns


@dataclass(frozen=True)
class ActionResult:
    """The zero-shot table.

    Attributes:
        videos: How many videos the stretches are of.
        segments: How many stretches were asked about.
        templates: By which they were asked as the paper asks.
        frames: By which they were asked in the calibrated rows.
        rows: By METHODS, then by COLUMNS.
        left_out: The methods without a row, and why.
        sensitivity: How much the cross-modal row moves with the template, by KINDS.
    """

    videos: int
    segments: int
    templates: tuple[str, ...]
    frames: tuple[str, ...]
    rows: Table
    left_out: Mapping[str, str]
    sensitivity: Mapping[str, Sensitivity]


def evaluate_actions(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    training: Sequence[Stretch],
    labels: ActionLabels,
    templates: Sequence[str] | None = None,
    asking: Asking = Asking(),
    progress: Progress = silent,
) -> ActionResult:
    """Measure every method; several templates are asked by the mean of their probabilities.

    Args:
        model: Is asked.
        stretches: With visual words, and the numbers of their verb and noun as labels.
        training: Likewise, with features: what the linear probe learns from.
        labels: What is ranked.
        templates: Each with two masks; None for the paper's, and for the model's own frames in the
            calibrated rows.
        asking: How far these rows are made fair; as the paper asks, they are left out.
        progress: Hears of the stretches that were asked about.

    Raises:
        InputError: if there is no stretch, a template has not two masks, or the vocabulary cannot
            spell a label.
    """
    if not stretches:
        raise InputError(
            "there is no segment to evaluate: give videos in which a clip has a verb and a noun"
        )
    words = [stretch.words for stretch in stretches]
    asked, frames = templates or [TEMPLATE], templates or question(model, asking)
    paper = partial(_ask, model, asked, labels, AS_THE_PAPER, progress)
    fair = partial(_ask, model, frames, labels, asking, progress)
    cross_modal = paper("cross-modal", words)
    scores = _unfair_scores(paper, words, cross_modal, labels)
    scores |= _fair_scores(model, asking, fair, words)
    scores["linear_probe"] = _probe_scores(stretches, training, labels)
    rows = {"chance": _row([chance_in_top_k(len(kind), KS) for kind in labels.words])}
    for method, found in scores.items():
        if not isinstance(found, str):
            rows[method] = _row(_top_k_of_kinds(found, stretches))
    return ActionResult(
        len({stretch.video for stretch in stretches}),
        len(stretches),
        tuple(asked),
        tuple(frames),
        Table(rows, METHODS),
        {method: reason for method, reason in scores.items() if isinstance(reason, str)},
        dict(zip(KINDS, map(sensitivity, cross_modal), strict=True)),
    )


def _ask(
    model: TrainedModel,
    templates: Sequence[str],
    labels: ActionLabels,
    asking: Asking,
    progress: Progress,
    stage: str,
    visual: Sequence[Ids],
) -> list[np.ndarray]:
    """Compute the probabilities of verbs and of nouns, [templates, stretches, labels] each."""
    found = []
    for first in range(0, len(visual), ASKED_TOGETHER):
        chosen = visual[first : first + ASKED_TOGETHER]
        found.append(label_probabilities(model, templates, chosen, labels.words, asking))
        progress(stage, first + len(chosen), len(visual))
    return [np.concatenate(probabilities, axis=1) for probabilities in zip(*found, strict=True)]


def _unfair_scores(
    ask: Callable[[str, Sequence[Ids]], list[np.ndarray]],
    words: Sequence[Ids],
    cross_modal: Sequence[np.ndarray],
    labels: ActionLabels,
) -> dict[str, Sequence[np.ndarray] | str]:
    """Score verbs and nouns by every method of the paper, or say why there is none."""
    count, counts = len(words), (labels.verb_counts, labels.noun_counts)
    return {
        "frequency_prior": [np.tile(often, (count, 1)) for often in counts],
        "language_prior": [mean.repeat(count, axis=0) for mean in _means(ask("language", [[]]))],
        "shuffled_video": _shuffled(ask, words),
        "cross_modal": _means(cross_modal),
    }


def _fair_scores(
    model: TrainedModel,
    asking: Asking,
    ask: Callable[[str, Sequence[Ids]], list[np.ndarray]],
    words: Sequence[Ids],
) -> dict[str, Sequence[np.ndarray] | str]:
    """Score verbs and nouns by the calibrated methods, or say why they are not asked."""
    if asking.as_the_paper or model.bank is None:
        reason = "it was not asked for" if asking.as_the_paper else "the model has no bank"
        return {"calibrated_shuffled": reason, "calibrated": reason}
    return {
        "calibrated_shuffled": _shuffled(ask, words),
        "calibrated": _means(ask("calibrated", words)),
    }


def _shuffled(
    ask: Callable[[str, Sequence[Ids]], list[np.ndarray]], words: Sequence[Ids]
) -> list[np.ndarray] | str:
    """Ask about each stretch with another one's words, or say why that cannot be."""
    if len(words) < 2:
        return "there is but one segment"
    # The list moved on by half of itself: no stretch keeps its own words.
    return _means(ask("shuffled", [*words[len(words) // 2 :], *words[: len(words) // 2]]))


def _means(by_mask: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Average the probabilities of each mask, [templates, stretches, labels], over templates."""
    return [probabilities.mean(axis=0) for probabilities in by_mask]


def _top_k_of_kinds(scores: Sequence[np.ndarray], stretches: Sequence[Stretch]) -> list[Row]:
    """Estimate the top-k accuracies of verbs and of nouns, from [stretches, labels] of each."""
    truths = np.array([stretch.labels for stretch in stretches]).T
    videos = np.array([stretch.video for stretch in stretches])
    return [top_k(s, truth, videos, KS) for s, truth in zip(scores, truths, strict=True)]


def _row(by_kind: Sequence[Row]) -> Row:
    figures = [found[k] for found in by_kind for k in KS]
    return dict(zip(COLUMNS, figures, strict=True))


def _probe_scores(
    stretches: Sequence[Stretch], training: Sequence[Stretch], labels: ActionLabels
) -> list[np.ndarray] | str:
    """Score verbs and nouns by a probe each, or say why there is none."""
    known, asked = _features(training), _features(stretches)
    if known is None:
        return "no training segment has features"
    if asked is None or len(asked) < len(stretches):
        return "not every segment has features"
    scores = []
    for number, (kind, words) in enumerate(zip(KINDS, labels.words, strict=True)):
        truth = np.array([s.labels[number] for s in training if s.feature is not None])
        if len(np.unique(truth)) < 2:
            return f"the training segments that have features have one {kind} only"
        scores.append(LinearProbe.fit(known, truth, len(words)).scores(asked))
    return scores


def _features(stretches: Sequence[Stretch]) -> np.ndarray | None:
    """Stack the features of the stretches that have some, float32 [stretches, width]."""
    found = [stretch.feature for stretch in stretches if stretch.feature is not None]
    return np.stack(found) if found else None
