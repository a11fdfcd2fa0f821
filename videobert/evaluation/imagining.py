"""How many of a sentence's visual words are imagined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.imagining import MASKS
from videobert.answers.visual_words import masked_words
from videobert.data.stretches import Stretch, different_sentences, spoken
from videobert.evaluation.chance import visual_chance_in_top_k
from videobert.evaluation.intervals import Estimate, estimate
from videobert.evaluation.table import Table
from videobert.loading import TrainedModel
from videobert.softmax import first_places
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

KS = (3, 10)
METHODS = ("chance", "frequency_prior", "imagined")


@dataclass(frozen=True)
class ImaginingResult:
    """How many of a sentence's different visual words are among the first k.

    Attributes:
        examples: How many stretches have a sentence.
        rows: By METHODS, then by KS; the mean over examples.
    """

    examples: int
    rows: Table


def evaluate_imagining(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    training: Sequence[Stretch],
    masks: int = MASKS,
    progress: Progress = silent,
) -> ImaginingResult:
    """Measure the recall of a stretch's visual words from its sentence.

    Args:
        model: Imagines them.
        stretches: With visual words; those without a sentence are not asked.
        training: The frequency prior says what is seen most often here while somebody speaks.
        masks: How many words are imagined for each sentence.
        progress: Hears of the sentences.

    Raises:
        InputError: if nobody speaks in either.
    """
    asked, learnt = spoken(stretches), spoken(training)
    if not asked or not learnt:
        raise InputError(
            "no example has both a sentence and visual words: give folders in which somebody speaks"
        )
    codebook = model.processor.codebook
    shown = np.concatenate([stretch.words for stretch in learnt])
    often = np.bincount(shown, minlength=codebook.words)
    common = np.argsort(-often, kind="stable")[: max(KS)]
    sentences, number = different_sentences(asked)
    imagined = _imagined_words(model, sentences, masks, progress)
    rows = {
        "chance": visual_chance_in_top_k(codebook, KS),
        "frequency_prior": _recalls(asked, [common] * len(asked)),
        "imagined": _recalls(asked, imagined[number]),
    }
    return ImaginingResult(len(asked), Table(rows, METHODS))


def _imagined_words(
    model: TrainedModel, sentences: Sequence[str], masks: int, progress: Progress
) -> np.ndarray:
    """Find the likeliest visual words of each sentence, int [sentences, max(KS) or all]."""
    width = min(max(KS), model.processor.codebook.words)
    found, done = np.empty((len(sentences), width), np.int64), 0
    nothing_seen: list[list[int]] = [[]] * len(sentences)
    for places, probabilities in masked_words(model, sentences, nothing_seen, masks, read=masks):
        found[places] = first_places(probabilities.mean(axis=1), width)
        done += len(places)
        progress("imagine", done, len(sentences))
    return found


def _recalls(
    stretches: Sequence[Stretch], guesses: Sequence[np.ndarray] | np.ndarray
) -> dict[int, Estimate]:
    """Estimate the share of each stretch's different words among its first k guesses, by k."""
    groups = np.array([stretch.video for stretch in stretches])
    words = [np.unique(stretch.words) for stretch in stretches]
    return {
        k: estimate(
            np.array([np.isin(w, g[:k]).mean() for w, g in zip(words, guesses, strict=True)]),
            groups,
        )
        for k in KS
    }
