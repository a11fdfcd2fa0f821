"""Captions of the steps of a fold, beside sentences that need no captioner.

A captioner learns from the model's states at the visual words of what is learnt from, as
``videobert finetune caption --features video`` does. It is compared with sentences of training: the
commonest one, the one of the same recipe that comes at the nearest time, and the one of the step
whose words are the most alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.real_kitchens.corpus import Fold, Step, stretches
from benchmarks.real_kitchens.questions import bags, commonest_sentences
from videobert.data.clips import Clips
from videobert.finetune.captions.captioner import segment_features
from videobert.finetune.captions.options import CaptionOptions
from videobert.finetune.captions.training import train_captioner
from videobert.loading import TrainedModel

READS = "video"
"""The paper's template is longer than these models."""
STEPS, VALIDATE_EVERY = 400, 50


def caption(model: TrainedModel, fold: Fold, clips: dict[str, Clips], seed: int) -> dict[str, Any]:
    """Write a sentence about every step that is measured on.

    Returns:
        ``videos`` and ``said`` of the steps, and by method the captions.
    """
    learnt, asked = fold.steps(fold.learnt), fold.steps(fold.measured)
    known, seen = stretches(learnt, clips), stretches(asked, clips)
    said = [step.text for step in learnt]
    options = CaptionOptions(READS, steps=STEPS, validate_every=VALIDATE_EVERY, seed=seed)
    training = train_captioner(
        model.processor,
        segment_features(model, READS, known),
        said,
        [step.video for step in learnt],
        options,
    )
    captions = training.captioner(segment_features(model, READS, seen))
    written = [each.text for each in captions]
    half = len(written) // 2
    size = model.processor.codebook.words
    alike = bags(seen, size) ** 0.5 @ (bags(known, size) ** 0.5).T
    [(commonest, _)] = commonest_sentences(learnt).most_common(1)
    return {
        "videos": [step.video for step in asked],
        "said": [step.text for step in asked],
        "written": {
            "commonest": [commonest] * len(asked),
            "recipe_and_time": [_at_this_time(step, learnt) for step in asked],
            "nearest_words": [said[place] for place in np.argmax(alike, axis=1)],
            "shuffled_video": written[half:] + written[:half],
            "captioner": written,
        },
    }


def _at_this_time(step: Step, learnt: list[Step]) -> str:
    """Find the sentence of the step of the same recipe that comes nearest in its recording."""
    same = [each for each in learnt if each.recipe == step.recipe]
    return min(same, key=lambda each: abs(each.place - step.place)).text
