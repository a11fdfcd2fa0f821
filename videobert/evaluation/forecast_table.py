"""How often a forecast is right, beside chance and n-grams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.forecasting import CONTEXT, STEPS, _ahead
from videobert.evaluation.accuracy import Accuracy, accuracy, top_k_hits
from videobert.evaluation.ngrams import NGrams
from videobert.evaluation.options import ForecastSampleOptions
from videobert.evaluation.visual_chance import chance
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

KS = (1, 5)

METHODS = ("chance", "unigram", "bigram", "forecast")


@dataclass(frozen=True)
class ForecastTable:
    """How often the word that came was among the first k.

    Attributes:
        words: how many words were to be forecast at each step; none where no video is so long.
        rows: by step that has words, then by METHODS, then by k of KS.
    """

    words: Mapping[int, int]
    rows: Mapping[int, Mapping[str, Mapping[int, Accuracy]]]

    def cells(self) -> list[list[str]]:
        """For people: a line a step and method, then its figures in the order of KS."""
        return [
            [f"{step} ahead, {method}", *self._figures(step, method)]
            for step in self.words
            for method in METHODS
        ]

    def _figures(self, step: int, method: str) -> list[str]:
        return [str(self.rows[step][method][k]) if step in self.rows else "left out" for k in KS]


def forecast_table(
    model: TrainedModel,
    videos: Mapping[str, Ids],
    training: Sequence[Ids],
    steps: Sequence[int] = STEPS,
    context: int = CONTEXT,
    most: int = ForecastSampleOptions.most,
    seed: int = ForecastSampleOptions.seed,
    progress: Progress = silent,
) -> ForecastTable:
    """Top-1 and top-5 accuracy of the word ``step`` ahead, after every clip of every video but the last ones.

    Args:
        videos: the visual words of whole videos, by id. The bootstrap draws videos.
        training: those that the unigram and the bigram learn from; see ngrams.
        most: where there are more words to forecast, so many are drawn at random; ``seed`` decides which.

    InputError if no video is longer than the shortest step.
    """
    rows, counts = {}, {}
    for number, step in enumerate(steps, 1):
        asked = _questions(videos, step, most, seed)
        counts[step] = len(asked)
        if asked:
            ngrams = NGrams.fit(training, step, model.processor.codebook.words)
            rows[step] = _rows(model, videos, asked, ngrams, step, context)
        progress("forecast", number, len(steps))
    if not rows:
        raise InputError(
            f"no video has a clip {min(steps)} after its first: give longer videos, or a smaller --step"
        )
    return ForecastTable(counts, rows)


def _questions(videos: Mapping[str, Ids], step: int, most: int, seed: int) -> list[tuple[str, int]]:
    """The videos, and how many of their words are known, at random and in order."""
    every = [
        (video, known)
        for video, words in videos.items()
        for known in range(1, len(words) - step + 1)
    ]
    return [
        every[place]
        for place in np.sort(np.random.default_rng(seed).permutation(len(every))[:most])
    ]


def _rows(
    model: TrainedModel,
    videos: Mapping[str, Ids],
    asked: Sequence[tuple[str, int]],
    ngrams: NGrams,
    step: int,
    context: int,
) -> dict[str, dict[int, Accuracy]]:
    clips = [videos[video][:known] for video, known in asked]
    truth = np.array([videos[video][known + step - 1] for video, known in asked])
    last = np.array([words[-1] for words in clips])
    hits = {(method, k): np.empty(len(asked), dtype=bool) for method in METHODS[1:] for k in KS}
    for places, probabilities in _ahead(model, clips, step, context):
        scores = (ngrams.unigram(len(places)), ngrams.bigram(last[places]), probabilities.numpy())
        for method, found in zip(METHODS[1:], scores, strict=True):
            for k in KS:
                hits[method, k][places] = top_k_hits(found, truth[places], k)
    groups = np.array([video for video, _ in asked])
    found_often = {
        method: {k: accuracy(hits[method, k], groups) for k in KS} for method in METHODS[1:]
    }
    return {"chance": chance(model.processor.codebook, KS), **found_often}
