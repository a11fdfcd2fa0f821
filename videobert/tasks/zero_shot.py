"""What is happening in a clip: the words for the [MASK]s of a template, with no training for that task.

VideoBERT, section 4.3: the video's visual words follow ``now let me show you how to [MASK] the [MASK]``; the first mask
is the verb, the second the noun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from feature_extraction.errors import InputError
from videobert.loading import TrainedModel
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Ids

TEMPLATE = "now let me show you how to [MASK] the [MASK]"
MASK = "[MASK]"


@dataclass(frozen=True)
class Guess:
    """A word for a mask, with its probability among the words that were ranked."""

    word: str
    probability: float


def predict(
    model: TrainedModel,
    words: Ids,
    template: str = TEMPLATE,
    labels: Sequence[str] | None = None,
    top: int = 5,
) -> list[list[Guess]]:
    """The ``top`` likeliest words for each mask of a template, given a clip's visual words (none: language alone).

    Words are ranked over ``labels``, or over all whole words of the vocabulary. InputError if the template has no mask or
    a label is no word of the vocabulary.
    """
    ranked = word_ids(model.processor, labels) if labels is not None else whole_words(model.processor)
    logits = mask_logits(model, [template], [words])[0][:, ranked]
    probabilities = logits.softmax(dim=-1)
    best = probabilities.topk(min(top, len(ranked)), dim=-1)
    names = model.processor.tokenizer.convert_ids_to_tokens(ranked)
    return [
        [Guess(names[place], value) for value, place in zip(values, places, strict=True)]
        for values, places in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


@torch.inference_mode()
def mask_logits(model: TrainedModel, templates: Sequence[str], visual: Sequence[Ids], batch: int = 64) -> torch.Tensor:
    """Logits over the text ids at each mask, [pairs, masks, text ids], for pairs of a template and visual words.

    InputError if a template has no mask, or not as many as the first.
    """
    masks = check_template(templates[0])
    for template in templates:
        if template.count(MASK) != masks:
            raise InputError(f"the template {template!r} has not {masks} {MASK}s, as the first has")
    network, processor = model.network, model.processor
    found = []
    for first in range(0, len(templates), batch):
        chosen = slice(first, first + batch)
        inputs = processor(templates[chosen], visual[chosen], network.config.max_position_embeddings)
        asked = inputs["input_ids"] == processor.tokenizer.mask_token_id
        if int(asked.sum()) != masks * len(asked):
            raise InputError(f"the template {templates[first]!r} is too long for the model: shorten it")
        logits = network(**inputs, predict_at=asked).prediction_logits
        found.append(logits.view(len(asked), masks, -1)[..., : processor.vocabulary.text_size])
    return torch.cat(found)


def check_template(template: str) -> int:
    """How many masks a template has; InputError if it has none."""
    masks = template.count(MASK)
    if not masks:
        raise InputError(f"the template {template!r} has no {MASK}: put one where a word is to be found")
    return masks


def whole_words(processor: VideoBertProcessor) -> list[int]:
    """Ids of the vocabulary's whole words, letters only: no special tokens, pieces, digits or punctuation."""
    tokens = processor.tokenizer.convert_ids_to_tokens(list(range(processor.vocabulary.text_size)))
    return [number for number, token in enumerate(tokens) if token.isalpha()]


def word_ids(processor: VideoBertProcessor, labels: Sequence[str]) -> list[int]:
    """The id of each label; InputError for one that is not a single piece of the vocabulary."""
    pieces = processor.text_ids(labels)
    for label, ids in zip(labels, pieces, strict=True):
        if len(ids) != 1 or ids[0] == processor.tokenizer.unk_token_id:
            raise InputError(f"the label {label!r} is no single word of the model's vocabulary: leave it out")
    return [ids[0] for ids in pieces]


def top_k_accuracy(scores: np.ndarray, truth: np.ndarray, k: int) -> float:
    """The share of rows of ``scores``, [examples, labels], whose true label is among the k highest.

    Among equal scores the lower label comes first, so that a constant row is no answer to everything.
    """
    ranking = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((ranking == np.asarray(truth)[:, None]).any(axis=1).mean())
