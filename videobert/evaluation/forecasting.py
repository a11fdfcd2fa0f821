"""How often a forecast is right, beside chance and n-grams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.forecasting import CONTEXT, STEPS, words_ahead
from videobert.data.stretches import sample
from videobert.evaluation.chance import visual_chance_in_top_k
from videobert.evaluation.intervals import estimate
from videobert.evaluation.metrics.ranking import top_k_hits
from videobert.evaluation.ngrams import NGrams
from videobert.evaluation.options import ForecastSampleOptions
from videobert.evaluation.table import Table
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

KS = (1, 5)
METHODS = ("chance", "unigram", "bigram", "forecast")


@dataclass(frozen=True)
class ForecastResult:
    """How often the word that came was among the first k.

    Attributes:
        words: How many words were forecast, by step; 0 if no video is so long.
        rows: By step that has words, then by METHODS, then by KS.
    """

    words: Mapping[int, int]
    rows: Mapping[int, Table]

    def cells(self) -> list[list[str]]:
        """Write the tables for people: a line for each step and method."""
        absent = Table({"": dict.fromkeys(KS, 0)}, METHODS)  # as wide as the others
        return [
            line
            for step in self.words
            for line in self.rows.get(step, absent).cells(before=f"{step} ahead, ")
        ]


def evaluate_forecasts(
    model: TrainedModel,
    videos: Mapping[str, Ids],
    training: Sequence[Ids],
    steps: Sequence[int] = STEPS,
    context: int = CONTEXT,
    most: int = ForecastSampleOptions.most,
    seed: int = ForecastSampleOptions.seed,
    progress: Progress = silent,
) -> ForecastResult:
    """Forecast the word ``step`` ahead after every clip of every video but the last ones.

    Args:
        model: Makes the forecasts.
        videos: The visual words of whole videos by id; the bootstrap draws videos.
        training: Those that the unigram and the bigram learn from; see ngrams.
        steps: How many clips ahead.
        context: How many known words are read.
        most: How many words are forecast at each step; if there are more, so many are drawn.
        seed: Decides which are drawn.
        progress: Hears of the steps.

    Raises:
        InputError: if no video is longer than the shortest step.
    """
    rows, counts = {}, {}
    for number, step in enumerate(steps, 1):
        questions = _questions(videos, step, most, seed)
        counts[step] = len(questions)
        if questions:
            ngrams = NGrams.fit(training, step, model.processor.codebook.words)
            rows[step] = _step_table(model, videos, questions, ngrams, step, context)
        progress("forecast", number, len(steps))
    if not rows:
        raise InputError(
            f"no video has a clip {min(steps)} after its first: give longer videos, or a smaller "
            "--step"
        )
    return ForecastResult(counts, rows)


def _questions(videos: Mapping[str, Ids], step: int, most: int, seed: int) -> list[tuple[str, int]]:
    """Draw videos with how many of their words are known, in order."""
    every = [
        (video, known)
        for video, words in videos.items()
        for known in range(1, len(words) - step + 1)
    ]
    return sample(every, most, seed)


def _step_table(
    model: TrainedModel,
    videos: Mapping[str, Ids],
    questions: Sequence[tuple[str, int]],
    ngrams: NGrams,
    step: int,
    context: int,
) -> Table:
    """Measure every method at one step; scores of a batch are dropped once their hits are known."""
    clips = [videos[video][:known] for video, known in questions]
    truth = np.array([videos[video][known + step - 1] for video, known in questions])
    last = np.array([words[-1] for words in clips])
    groups = np.array([video for video, _ in questions])
    hits = {method: np.empty((len(KS), len(questions)), dtype=bool) for method in METHODS[1:]}
    for places, probabilities in words_ahead(model, clips, step, context):
        scores = {
            "unigram": ngrams.unigram(len(places)),
            "bigram": ngrams.bigram(last[places]),
            "forecast": probabilities,
        }
        for method, found in scores.items():
            for row, k in enumerate(KS):
                hits[method][row, places] = top_k_hits(found, truth[places], k)
    rows = {"chance": visual_chance_in_top_k(model.processor.codebook, KS)}
    for method, found in hits.items():
        rows[method] = {k: estimate(hit, groups) for k, hit in zip(KS, found, strict=True)}
    return Table(rows, METHODS)
