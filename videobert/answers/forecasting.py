"""What will be seen after a clip: the likeliest visual words 1, 2, 4 and 8 clips ahead (VideoBERT, section 4.5).

The clip stands in a sequence of video alone, ``[CLS] words [MASK] ... [MASK] [SEP]``, with as many masks as the horizon is
far, and the last of them is read: one sequence a horizon. Of a long clip the last words count, CONTEXT if nobody says how
many: the sequences that the model learnt from are short, as training keeps every first to fifth of a sentence's words, or of
16 where nobody speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.answers.options import ForecastOptions
from videobert.answers.visual_words import VisualGuess, likeliest, masked_words
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError

STEPS = ForecastOptions.step
CONTEXT = ForecastOptions.context
"""Words: six seconds."""
TOP = ForecastOptions.top


@dataclass(frozen=True)
class Forecast:
    """The likeliest visual words of the clip that comes ``step`` clips after the last."""

    step: int
    guesses: list[VisualGuess]


def forecast(
    model: TrainedModel,
    words: Ids,
    steps: Sequence[int] = STEPS,
    top: int = TOP,
    context: int = CONTEXT,
) -> list[Forecast]:
    """The ``top`` likeliest visual words so many ``steps`` after a clip's words, of which the last ``context`` are read.

    InputError for a clip without words, a context of none, or a step that is not 1 or more or too far for the model.
    """
    if not len(words):
        raise InputError("the clip has no visual words: give a longer one")
    return [
        Forecast(step, likeliest(next(_ahead(model, [words], step, context))[1][0], top))
        for step in steps
    ]


def _ahead(
    model: TrainedModel, clips: Sequence[Ids], step: int, context: int
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Batches of clips as (their places, probabilities of the word ``step`` after each, [clips, visual words])."""
    if step < 1 or context < 1:
        raise InputError(
            f"a step of {step} after a context of {context} is no forecast: give 1 or more of each"
        )
    kept = [words[max(0, len(words) - context) :] for words in clips]
    for places, probabilities in masked_words(model, [""] * len(kept), kept, masks=step, read=1):
        yield places, probabilities[:, 0]
