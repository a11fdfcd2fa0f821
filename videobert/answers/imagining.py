"""What a sentence may look like: the likeliest visual words for it.

VideoBERT, section 4.2. The sentence is followed by masks, ``[CLS] text [>] [MASK] ... [SEP]``: as
many as the clip is long, MASKS unless another number is given. Each is read by itself. The overall
distribution is their mean: the share of the clip that each visual word may be expected to have.
"""

from __future__ import annotations

from dataclasses import dataclass

from videobert.answers.options import ImagineOptions
from videobert.answers.spelling import check_sentence
from videobert.answers.visual_words import VisualGuess, likeliest, masked_words
from videobert.loading import TrainedModel
from workfolder.errors import InputError

MASKS = ImagineOptions.masks
"""Six seconds of video, about as long as a sentence takes to say."""
TOP = ImagineOptions.top


@dataclass(frozen=True)
class Imagined:
    """The likeliest visual words of each clip in turn, and of all together."""

    clips: list[list[VisualGuess]]
    overall: list[VisualGuess]


def imagine(model: TrainedModel, sentence: str, masks: int = MASKS, top: int = TOP) -> Imagined:
    """Find the ``top`` likeliest visual words for a sentence.

    Raises:
        InputError: if the sentence is empty or cannot be spelt, or there are no masks or too many
            for the model.
    """
    check_sentence(model.processor, sentence)
    if masks < 1:
        raise InputError(f"{masks} masks leave nothing to imagine: give 1 or more")
    _, (probabilities,) = next(masked_words(model, [sentence], [[]], masks, read=masks))
    clips = [likeliest(mask, top) for mask in probabilities]
    return Imagined(clips, likeliest(probabilities.mean(axis=0), top))
