"""What will be seen after a clip: the likeliest visual words 1, 2, 4 and 8 clips ahead (VideoBERT, section 4.5).

The clip stands in a sequence of video alone, ``[CLS] words [MASK] ... [MASK] [SEP]``, with as many masks as the horizon is
far, and the last of them is read: one sequence a horizon. Of a long clip the last words count, CONTEXT if nobody says how
many: the sequences that the model learnt from are short, as training keeps every first to fifth of a sentence's words, or of
16 where nobody speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from feature_extraction.errors import InputError
from feature_extraction.progress import Progress, silent
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from videobert.tasks.accuracy import Accuracy, accuracy, top_k_hits
from videobert.tasks.ngrams import NGrams
from videobert.tasks.visual_words import VisualGuess, chance, likeliest, masked_words

STEPS = (1, 2, 4, 8)
CONTEXT = 4
"""Words: six seconds."""
TOP = 3
KS = (1, 5)
METHODS = ("chance", "unigram", "bigram", "forecast")


@dataclass(frozen=True)
class Forecast:
    """The likeliest visual words of the clip that comes ``step`` clips after the last."""

    step: int
    guesses: list[VisualGuess]


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
        return [[f"{step} ahead, {method}", *self._figures(step, method)] for step in self.words for method in METHODS]

    def _figures(self, step: int, method: str) -> list[str]:
        return [str(self.rows[step][method][k]) if step in self.rows else "left out" for k in KS]


def forecast(
    model: TrainedModel, words: Ids, steps: Sequence[int] = STEPS, top: int = TOP, context: int = CONTEXT
) -> list[Forecast]:
    """The ``top`` likeliest visual words so many ``steps`` after a clip's words, of which the last ``context`` are read.

    InputError for a clip without words, a context of none, or a step that is not 1 or more or too far for the model.
    """
    if not len(words):
        raise InputError("the clip has no visual words: give a longer one")
    return [Forecast(step, likeliest(next(_ahead(model, [words], step, context))[1][0], top)) for step in steps]


def _ahead(model: TrainedModel, clips: Sequence[Ids], step: int, context: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Batches of clips as (their places, probabilities of the word ``step`` after each, [clips, visual words])."""
    if step < 1 or context < 1:
        raise InputError(f"a step of {step} after a context of {context} is no forecast: give 1 or more of each")
    kept = [words[max(0, len(words) - context) :] for words in clips]
    for places, probabilities in masked_words(model, [""] * len(kept), kept, masks=step, read=1):
        yield places, probabilities[:, 0]


def forecast_table(
    model: TrainedModel,
    videos: Mapping[str, Ids],
    training: Sequence[Ids],
    steps: Sequence[int] = STEPS,
    context: int = CONTEXT,
    most: int = 5000,
    seed: int = 0,
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
        raise InputError(f"no video has a clip {min(steps)} after its first: give longer videos, or a smaller --step")
    return ForecastTable(counts, rows)


def _questions(videos: Mapping[str, Ids], step: int, most: int, seed: int) -> list[tuple[str, int]]:
    """The videos, and how many of their words are known, at random and in order."""
    every = [(video, known) for video, words in videos.items() for known in range(1, len(words) - step + 1)]
    return [every[place] for place in np.sort(np.random.default_rng(seed).permutation(len(every))[:most])]


def _rows(
    model: TrainedModel, videos: Mapping[str, Ids], asked: Sequence[tuple[str, int]], ngrams: NGrams, step: int, context: int
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
    found_often = {method: {k: accuracy(hits[method, k], groups) for k in KS} for method in METHODS[1:]}
    return {"chance": chance(model.processor.codebook, KS), **found_often}
