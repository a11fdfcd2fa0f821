"""What a sentence may look like: the likeliest visual words for it (VideoBERT, section 4.2).

The sentence is followed by masks, ``[CLS] text [>] [MASK] ... [MASK] [SEP]``: as many as the clip is long, MASKS if nobody
says. Each is read by itself; the overall distribution is their mean, that is the share of the clip that each visual word
may be expected to have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from feature_extraction.errors import InputError
from feature_extraction.progress import Progress, silent
from videobert.loading import TrainedModel
from videobert.tasks.accuracy import Accuracy, accuracy
from videobert.tasks.alignment import check_sentence
from videobert.tasks.passages import Passages
from videobert.tasks.visual_words import VisualGuess, chance, likeliest, masked_words

MASKS = 4
"""Six seconds of video, about as long as a sentence is said."""
TOP = 3
KS = (3, 10)
METHODS = ("chance", "frequency_prior", "imagined")


@dataclass(frozen=True)
class Imagined:
    """The likeliest visual words of each clip in turn, and of all together."""

    clips: list[list[VisualGuess]]
    overall: list[VisualGuess]


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
        return [[method.replace("_", " "), *(str(self.rows[method][k]) for k in KS)] for method in METHODS]


def imagine(model: TrainedModel, sentence: str, masks: int = MASKS, top: int = TOP) -> Imagined:
    """The ``top`` likeliest visual words for a sentence.

    InputError if it is empty, cannot be spelt, or ``masks`` are not 1 or more or too many for the model.
    """
    check_sentence(model.processor, sentence)
    if masks < 1:
        raise InputError(f"{masks} masks leave nothing to imagine: give 1 or more")
    _, probabilities = next(masked_words(model, [sentence], [[]], masks, read=masks))
    clips = [likeliest(mask, top) for mask in probabilities[0]]
    return Imagined(clips, likeliest(probabilities[0].mean(dim=0), top))


def imagining_table(
    model: TrainedModel, passages: Passages, training: Passages, masks: int = MASKS, progress: Progress = silent
) -> ImaginingTable:
    """Recall of the visual words of ``passages`` that have a sentence, from that sentence.

    The frequency prior always says what is seen most often while somebody speaks in ``training``. InputError if in either
    nobody speaks.
    """
    spoken, learnt = passages.spoken(), training.spoken()
    if not len(spoken) or not len(learnt):
        raise InputError("no example has both a sentence and visual words: give folders in which somebody speaks")
    words = model.processor.codebook.words
    common = np.argsort(-np.bincount(np.concatenate(learnt.visual), minlength=words), kind="stable")[: max(KS)]
    sentences, number = spoken.sentences()
    first = _first_words(model, sentences, masks, progress)
    rows = {
        "chance": chance(model.processor.codebook, KS),
        "frequency_prior": _recalls(spoken, [common] * len(spoken)),
        "imagined": _recalls(spoken, [first[place] for place in number]),
    }
    return ImaginingTable(len(spoken), rows)


def _first_words(model: TrainedModel, sentences: Sequence[str], masks: int, progress: Progress) -> np.ndarray:
    """The likeliest visual words of each sentence overall, the best first, int [sentences, max(KS) or all]."""
    found = torch.empty(len(sentences), min(max(KS), model.processor.codebook.words), dtype=torch.long)
    done = 0
    for places, probabilities in masked_words(model, sentences, [[]] * len(sentences), masks, read=masks):
        found[places] = probabilities.mean(dim=1).topk(found.shape[1]).indices
        done += len(places)
        progress("imagine", done, len(sentences))
    return found.numpy()


def _recalls(spoken: Passages, first: Sequence[np.ndarray]) -> dict[int, Accuracy]:
    groups, pairs = np.array(spoken.video), list(zip(map(np.unique, spoken.visual), first, strict=True))
    return {k: accuracy(np.array([np.isin(words, guesses[:k]).mean() for words, guesses in pairs]), groups) for k in KS}
