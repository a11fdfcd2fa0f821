"""How many of a sentence's visual words are imagined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.answers.imagining import MASKS
from videobert.answers.visual_words import masked_words
from videobert.data.passages import Passages
from videobert.evaluation.accuracy import Accuracy, accuracy
from videobert.evaluation.visual_chance import chance
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

KS = (3, 10)

METHODS = ("chance", "frequency_prior", "imagined")


@dataclass(frozen=True)
class ImaginingTable:
    """How many of the different visual words that go with a sentence are among the first k; the mean over examples.

    Attributes:
        rows: by METHODS, then by k of KS.
    """

    examples: int
    rows: Mapping[str, Mapping[int, Accuracy]]

    def cells(self) -> list[list[str]]:
        """For people: a line a method, then its figures in the order of KS."""
        return [
            [method.replace("_", " "), *(str(self.rows[method][k]) for k in KS)]
            for method in METHODS
        ]


def imagining_table(
    model: TrainedModel,
    passages: Passages,
    training: Passages,
    masks: int = MASKS,
    progress: Progress = silent,
) -> ImaginingTable:
    """Recall of the visual words of ``passages`` that have a sentence, from that sentence.

    The frequency prior always says what is seen most often while somebody speaks in ``training``. InputError if in either
    nobody speaks.
    """
    spoken, learnt = passages.spoken(), training.spoken()
    if not len(spoken) or not len(learnt):
        raise InputError(
            "no example has both a sentence and visual words: give folders in which somebody speaks"
        )
    words = model.processor.codebook.words
    common = np.argsort(
        -np.bincount(np.concatenate(learnt.visual), minlength=words), kind="stable"
    )[: max(KS)]
    sentences, number = spoken.sentences()
    first = _first_words(model, sentences, masks, progress)
    rows = {
        "chance": chance(model.processor.codebook, KS),
        "frequency_prior": _recalls(spoken, [common] * len(spoken)),
        "imagined": _recalls(spoken, [first[place] for place in number]),
    }
    return ImaginingTable(len(spoken), rows)


def _first_words(
    model: TrainedModel, sentences: Sequence[str], masks: int, progress: Progress
) -> np.ndarray:
    """The likeliest visual words of each sentence overall, the best first, int [sentences, max(KS) or all]."""
    found = torch.empty(
        len(sentences), min(max(KS), model.processor.codebook.words), dtype=torch.long
    )
    done = 0
    for places, probabilities in masked_words(
        model, sentences, [[]] * len(sentences), masks, read=masks
    ):
        found[places] = probabilities.mean(dim=1).topk(found.shape[1]).indices
        done += len(places)
        progress("imagine", done, len(sentences))
    return found.numpy()


def _recalls(spoken: Passages, first: Sequence[np.ndarray]) -> dict[int, Accuracy]:
    groups, pairs = (
        np.array(spoken.video),
        list(zip(map(np.unique, spoken.visual), first, strict=True)),
    )
    return {
        k: accuracy(
            np.array([np.isin(words, guesses[:k]).mean() for words, guesses in pairs]), groups
        )
        for k in KS
    }
