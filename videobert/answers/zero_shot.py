"""What is happening in a clip: words for the [MASK]s of a template, with no training for that task.

VideoBERT, section 4.3. The clip's visual words follow the template. A label of n pieces is asked
with n [MASK]s in the place of its mask; all other masks stay as they are. Its score is that of
label_scores, less what calibration takes off. Its probability is the softmax of the scores over the
labels. As the paper asks, if all labels have one piece, this is the model's own distribution, cut
down to the labels.

Where the whole vocabulary is ranked, a word must be plausible: the model's own probability of it is
at least PLAUSIBLE of that of its likeliest word. Otherwise the rarest words would win by what
little the clip adds to them (Li et al. 2023, "Contrastive Decoding").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from tokenization.pieces import MASK, words_of_one_piece
from videobert.answers.calibration import leanings
from videobert.answers.label_scores import Pieces, label_scores
from videobert.answers.likelihood import refuse_left_to_right
from videobert.answers.options import AS_THE_PAPER, TEMPLATE, Asking, PredictOptions
from videobert.answers.spelling import label_pieces
from videobert.answers.template_sensitivity import Sensitivity, sensitivity
from videobert.answers.templates import checked_templates
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from videobert.softmax import first_places, softmax
from workfolder.errors import InputError

PLAUSIBLE = 0.01


@dataclass(frozen=True)
class Guess:
    """A word for a mask, with its probability among the words that were ranked."""

    word: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The words for each mask.

    Attributes:
        guesses: The likeliest words of each mask over all templates, the likeliest first.
        sensitivity: How much each mask's answer moves with the template.
    """

    guesses: list[list[Guess]]
    sensitivity: list[Sensitivity]


def question(model: TrainedModel, asking: Asking = Asking()) -> list[str]:
    """Choose the templates for a user who gives none.

    They are the frames in which the model's training named verb and noun; the paper's template if
    the model knows none, or is asked as the paper asks.
    """
    frames = () if model.bank is None or asking.as_the_paper else model.bank.frames
    return list(frames) or [TEMPLATE]


def predict(
    model: TrainedModel,
    words: Ids,
    templates: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    top: int = PredictOptions.top,
    asking: Asking = Asking(),
) -> Prediction:
    """Find the likeliest words for each mask, by the mean of several templates' probabilities.

    Args:
        model: Is asked.
        words: A clip's visual words; without any, language alone answers, as the paper asks.
        templates: Each with as many masks as the first; None for those of ``question``.
        labels: The words that are ranked; None for all whole words of the vocabulary.
        top: How many words of each mask.
        asking: How far the question is made fair.

    Raises:
        InputError: if a template cannot be asked, a label cannot be ranked, or the model reads from
            left to right.
    """
    refuse_left_to_right(model)
    processor, plausible = model.processor, None
    if not len(words):
        asking = AS_THE_PAPER
    templates = checked_templates(processor, templates or question(model, asking))
    if labels is None:
        known = words_of_one_piece(processor.tokenizer, processor.vocabulary.text_size)
        pieces, labels = [[number] for number in known], list(known.values())
        plausible = None if asking.as_the_paper else PLAUSIBLE
    else:
        pieces = label_pieces(processor, labels)
    every = [pieces] * templates[0].count(MASK)
    by_mask = _probabilities(model, templates, [words], every, asking, plausible)
    guesses = [_likeliest(probabilities.mean(axis=0)[0], labels, top) for probabilities in by_mask]
    return Prediction(guesses, [sensitivity(probabilities) for probabilities in by_mask])


def _likeliest(probabilities: np.ndarray, labels: Sequence[str], top: int) -> list[Guess]:
    best = first_places(probabilities, min(top, int((probabilities > 0).sum())))
    return [Guess(labels[place], float(probabilities[place])) for place in best.tolist()]


def label_probabilities(
    model: TrainedModel,
    templates: Sequence[str],
    visual: Sequence[Ids],
    labels: Sequence[Sequence[str]],
    asking: Asking = Asking(),
) -> list[np.ndarray]:
    """Compute the probabilities of each mask's own labels by the formula above.

    Args:
        model: Is asked.
        templates: Each with one mask for each list of labels.
        visual: Visual words of clips.
        labels: The labels of each mask.
        asking: How far the question is made fair.

    Returns:
        For each mask, [templates, clips, labels].

    Raises:
        InputError: if a template cannot be asked, or a label cannot be ranked.
    """
    templates = checked_templates(model.processor, templates)
    if (masks := templates[0].count(MASK)) != len(labels):
        raise InputError(f"the template {templates[0]!r} has {masks} {MASK}s: write {len(labels)}")
    pieces = [label_pieces(model.processor, words) for words in labels]
    return _probabilities(model, templates, visual, pieces, asking)


def _probabilities(
    model: TrainedModel,
    templates: Sequence[str],
    visual: Sequence[Ids],
    pieces: Pieces,
    asking: Asking,
    plausible: float | None = None,
) -> list[np.ndarray]:
    by_template = []
    for template in templates:
        scores = label_scores(model, template, visual, pieces)
        taken_off = leanings(model, template, pieces, asking)
        fair = [own - lean for own, lean in zip(scores, taken_off, strict=True)]
        if plausible:
            for own, found in zip(scores, fair, strict=True):
                found[own < own.max(axis=-1, keepdims=True) + log(plausible)] = -np.inf
        by_template.append(fair)
    return [softmax(np.stack(scores)) for scores in zip(*by_template, strict=True)]
