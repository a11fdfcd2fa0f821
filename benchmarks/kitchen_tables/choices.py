"""What is chosen on the validation slice: the length of training, and how questions are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.kitchen_tables import measures
from benchmarks.kitchen_tables.corpus import VALIDATION, training_set
from benchmarks.kitchen_tables.study import Study
from videobert.answers.forecasting import STEPS
from videobert.answers.localisation import LENGTHS

CONTEXTS = (1, 2, 4, 8)
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
WINDOWS = ((2,), (4,), (2, 4), (2, 4, 8), LENGTHS)


@dataclass(frozen=True)
class Choices:
    """What was chosen.

    Attributes:
        epochs: Of pre-training.
        weight: Of the alignment head beside BM25.
        context: Visual words that a forecast reads.
        lengths: Clips of the windows in which a sentence is looked for.
        scores: By choice, a row for each candidate, with its score on the slice in [0, 1].
    """

    epochs: int
    weight: float
    context: int
    lengths: tuple[int, ...]
    scores: dict[str, Any]


def choose(study: Study) -> Choices:
    """Choose everything; the first of equal candidates is taken."""
    epochs = study.figures("choice_of_epochs", lambda: epoch_scores(study))
    most = best(epochs)
    asked = study.figures("choices_of_answers", lambda: answer_scores(study, most))
    weight, context, lengths = (best(asked[name]) for name in ("weight", "context", "lengths"))
    return Choices(most, weight, context, tuple(lengths), {"epochs": epochs, **asked})


def best(rows: list[dict[str, Any]]) -> Any:
    """Find the candidate of the highest score."""
    return max(rows, key=lambda row: row["score"])["candidate"]


def rows_of(candidates: Iterable[Any], score: Callable[[Any], float]) -> list[dict[str, Any]]:
    """Score each candidate."""
    return [{"candidate": candidate, "score": float(score(candidate))} for candidate in candidates]


def epoch_scores(study: Study) -> list[dict[str, Any]]:
    """Score numbers of epochs by the mean of verb and noun top-1, at the size for ablations."""
    videos = study.kitchen.sizes.ablated

    def score(epochs: int) -> float:
        model = study.model(videos, epochs)
        row = measures.actions(
            study.kitchen, model, VALIDATION, training_set(videos), probe=False
        ).rows["cross_modal"]
        return float(np.mean([row["verb_top1"].value, row["noun_top1"].value]))

    return rows_of(study.kitchen.sizes.epochs, score)


def answer_scores(study: Study, epochs: int) -> dict[str, list[dict[str, Any]]]:
    """Score the main model's questions: recall at 5 both ways, top-1 at all steps, mean IoU."""
    kitchen = study.kitchen
    model = study.model(kitchen.sizes.main, epochs)
    seen = measures.of_examples(kitchen, kitchen.main)

    def weight(candidate: float) -> float:
        table = measures.retrieval(kitchen, model, VALIDATION, kitchen.main, candidate)
        ways = (table.text_to_clip, table.clip_to_text)
        return float(np.mean([way["interpolated"]["recall"][5].value for way in ways]))

    def context(candidate: int) -> float:
        table = measures.forecasts(
            kitchen, model, VALIDATION, seen, candidate, within(study, STEPS)
        )
        return float(np.mean([rows["forecast"][1].value for rows in table.rows.values()]))

    def lengths(candidate: tuple[int, ...]) -> float:
        return (
            measures.located(kitchen, model, VALIDATION, candidate).rows["alignment"]["iou"].value
        )

    return {
        "weight": rows_of(WEIGHTS, weight),
        "context": rows_of(CONTEXTS, context),
        "lengths": rows_of(WINDOWS, lengths),
    }


def within(study: Study, steps: Iterable[int]) -> tuple[int, ...]:
    """Select the distances, in clips, within the shortest recipes.

    A step of a recipe is 4.5 s or more, so three clips.
    """
    return tuple(step for step in steps if step < 3 * study.kitchen.sizes.steps[0])
