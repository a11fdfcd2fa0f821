"""What will be seen after a clip: the likeliest visual words 1, 2, 4 and 8 clips ahead.

VideoBERT, section 4.5. The clip stands in a sequence of video alone,
``[CLS] words [MASK] ... [MASK] [SEP]``. There are as many masks as the step is far, and the last
mask is read, so each step is a sequence of its own. Only the last words of a long clip are read,
CONTEXT unless another number is given. The sequences that the model learnt from are short, too:
training keeps every first to fifth of a sentence's words, or of 16 where nobody speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.options import ForecastOptions
from videobert.answers.visual_words import VisualGuess, likeliest, masked_words
from videobert.loading import TrainedModel
from videobert.orders import CAUSAL
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
    """Forecast the visual words that come after a clip.

    Args:
        model: Makes the forecasts.
        words: The clip's visual words.
        steps: How many clips ahead, each 1 or more.
        top: How many words of each step.
        context: How many of the clip's last words are read.

    Raises:
        InputError: if the clip has no words, there is no context, or a step is too far.
    """
    if not len(words):
        raise InputError("the clip has no visual words: give a longer one")
    found = []
    for step in steps:
        _, probabilities = next(words_ahead(model, [words], step, context))
        found.append(Forecast(step, likeliest(probabilities[0], top)))
    return found


def words_ahead(
    model: TrainedModel, clips: Sequence[Ids], step: int, context: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of clips with the probabilities of the word ``step`` after each.

    Yields:
        The places of some clips, and their probabilities, [clips, visual words].

    Raises:
        InputError: if there is no step or no context, or the step is too far for the model.
    """
    if step < 1 or context < 1:
        raise InputError(
            f"a step of {step} after a context of {context} cannot be forecast: give 1 or more of "
            "each"
        )
    if model.network.config.objective == CAUSAL:
        clips, step = _gone_on(model, clips, step, context), 1
    kept = [words[max(0, len(words) - context) :] for words in clips]
    for places, probabilities in masked_words(model, [""] * len(kept), kept, masks=step, read=1):
        yield places, probabilities[:, 0]


def _gone_on(
    model: TrainedModel, clips: Sequence[Ids], step: int, context: int
) -> list[np.ndarray]:
    """Add the likeliest words that come before the step.

    A model that reads from left to right was never asked past a gap.
    """
    longer = [np.asarray(words, dtype=np.int64) for words in clips]
    for _ in range(step - 1):
        for places, probabilities in words_ahead(model, longer, 1, context):
            for place, word in zip(places, probabilities.argmax(axis=1).tolist(), strict=True):
                longer[place] = np.append(longer[place], word)
    return longer
