"""Captions of the held-out videos by one variant of the captioner."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import HELD_OUT
from benchmarks.kitchen_tables.measures import told_stretches
from benchmarks.kitchen_tables.study import Study, named
from videobert.evaluation.captioning import CaptionResult, score_stretches
from videobert.evaluation.intervals import estimate
from videobert.finetune.captions.captioner import segment_features
from videobert.finetune.captions.options import FEATURES, CaptionOptions
from videobert.finetune.captions.training import Training, train_captioner
from videobert.loading import TrainedModel

EXAMPLES = 4
CAPTIONERS = dict(
    zip(
        FEATURES, ("S3D only", "VideoBERT, video only", "VideoBERT", "VideoBERT + S3D"), strict=True
    )
)
"""The names of the variants, as the paper's Table 3 has them."""


def caption_figures(study: Study, model: TrainedModel, variant: str) -> dict[str, Any]:
    """Train a captioner on the main training videos, and score it on both held-out splits."""
    training = learn(study, model, variant)
    codebook = model.processor.codebook
    found = {
        split: figures(
            score_stretches(
                model, training.captioner, told_stretches(study.kitchen, split, codebook)
            )
        )
        for split in HELD_OUT
    }
    return {"best_step": training.best_step, **found}


def learn(study: Study, model: TrainedModel, variant: str) -> Training:
    """Train a captioner; a tenth of the training videos is kept apart to choose its step."""
    seen = told_stretches(study.kitchen, study.kitchen.main, model.processor.codebook)
    features = segment_features(model, variant, seen.stretches)
    sizes = study.kitchen.sizes
    options = CaptionOptions(variant, steps=sizes.caption_steps, validate_every=sizes.caption_look)
    return train_captioner(
        model.processor,
        features,
        seen.sentences,
        seen.videos,
        options,
        named(study.progress, f"captioner, {variant}"),
    )


def figures(found: CaptionResult) -> dict[str, Any]:
    """Collect the scores, and the first captions of different videos.

    Scores that are means over captions come with intervals, too.
    """
    videos = np.array([pair.video for pair in found.pairs])
    means = {"ROUGE-L": found.scores.rouge_l, "CIDEr-D": found.scores.cider_d}
    _, first = np.unique(videos, return_index=True)
    return {
        "segments": found.segments,
        "corpus": found.scores.corpus,
        "why_no_meteor": found.scores.why_no_meteor,
        "means": {name: vars(estimate(score.items, videos)) for name, score in means.items()},
        "examples": [vars(found.pairs[place]) for place in np.sort(first)[:EXAMPLES]],
    }
