"""What is happening in a clip: words for the [MASK]s of a template, with no training for that task.

VideoBERT, section 4.3. The clip's visual words follow the template. A label of n pieces is asked
with n [MASK]s in the place of its mask; all other masks stay as they are. Its score is the mean log
probability of its pieces, each at its own mask,

    s(w) = 1/n sum_j log P(w_j | template with n masks, clip),

and its probability is the softmax of the scores over the labels. If all labels have one piece, this
is the model's own distribution, cut down to the labels. The sum in place of the mean would rank
every long word behind every short one. A pass of the network answers for all labels of n pieces, so
pieces cost a pass for each length, not for each label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.answers.options import TEMPLATE, PredictOptions
from videobert.answers.spelling import label_pieces, whole_words
from videobert.answers.template_sensitivity import Sensitivity, sensitivity
from videobert.answers.templates import MASK, checked_templates, widened
from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Ids
from workfolder.errors import InputError


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


def predict(
    model: TrainedModel,
    words: Ids,
    template: str = TEMPLATE,
    labels: Sequence[str] | None = None,
    top: int = PredictOptions.top,
) -> list[list[Guess]]:
    """Find the likeliest words for each mask of one template; see ``predict_with_templates``."""
    return predict_with_templates(model, words, [template], labels, top).guesses


def predict_with_templates(
    model: TrainedModel,
    words: Ids,
    templates: Sequence[str],
    labels: Sequence[str] | None = None,
    top: int = PredictOptions.top,
) -> Prediction:
    """Find the likeliest words for each mask, by the mean of several templates' probabilities.

    Args:
        model: Is asked.
        words: A clip's visual words; without any, language alone answers.
        templates: Each with as many masks as the first.
        labels: The words that are ranked; None for all whole words of the vocabulary.
        top: How many words of each mask.

    Raises:
        InputError: if a template cannot be asked, or a label cannot be ranked.
    """
    processor = model.processor
    templates = checked_templates(processor, templates)
    if labels is None:
        known = whole_words(processor)
        pieces = [[number] for number in known]
        labels = [str(word) for word in processor.tokenizer.convert_ids_to_tokens(known)]
    else:
        pieces = label_pieces(processor, labels)
    by_mask = _probabilities(model, templates, [words], [pieces] * templates[0].count(MASK))
    guesses = [_likeliest(probabilities.mean(dim=0)[0], labels, top) for probabilities in by_mask]
    return Prediction(guesses, [sensitivity(probabilities) for probabilities in by_mask])


def _likeliest(probabilities: torch.Tensor, labels: Sequence[str], top: int) -> list[Guess]:
    best = probabilities.topk(min(top, len(labels)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [Guess(labels[place], value) for value, place in pairs]


def label_probabilities(
    model: TrainedModel,
    templates: Sequence[str],
    visual: Sequence[Ids],
    labels: Sequence[Sequence[str]],
) -> list[torch.Tensor]:
    """Compute the probabilities of each mask's own labels by the formula above.

    Args:
        model: Is asked.
        templates: Each with one mask for each list of labels.
        visual: Visual words of clips.
        labels: The labels of each mask.

    Returns:
        For each mask, [templates, clips, labels].

    Raises:
        InputError: if a template cannot be asked, or a label cannot be ranked.
    """
    templates = checked_templates(model.processor, templates)
    if (masks := templates[0].count(MASK)) != len(labels):
        raise InputError(f"the template {templates[0]!r} has {masks} {MASK}s: write {len(labels)}")
    pieces = [label_pieces(model.processor, words) for words in labels]
    return _probabilities(model, templates, visual, pieces)


def _probabilities(
    model: TrainedModel,
    templates: Sequence[str],
    visual: Sequence[Ids],
    pieces: Sequence[Sequence[list[int]]],
) -> list[torch.Tensor]:
    by_template = [_label_scores(model, template, visual, pieces) for template in templates]
    return [torch.stack(scores).softmax(dim=-1) for scores in zip(*by_template, strict=True)]


def _label_scores(
    model: TrainedModel, template: str, visual: Sequence[Ids], pieces: Sequence[Sequence[list[int]]]
) -> list[torch.Tensor]:
    """Score the labels of each mask by the mean log probability of their pieces, [clips, labels].

    Args:
        model: Is asked.
        template: One template.
        visual: Visual words of clips.
        pieces: For each mask its labels, each as ids of its pieces.
    """
    scores = [torch.empty(len(visual), len(labels)) for labels in pieces]
    for widths, masks in _passes(pieces):
        columns = {
            mask: [n for n, ids in enumerate(pieces[mask]) if len(ids) == widths[mask]]
            for mask in masks
        }
        spelt = {mask: torch.tensor([pieces[mask][n] for n in columns[mask]]) for mask in masks}
        too_long = _too_long(model.processor, template, pieces[masks[0]][columns[masks[0]][0]])
        text = widened(template, widths)
        for places, logits in _mask_logits(model, text, visual, sum(widths), too_long):
            at_masks = logits.log_softmax(dim=-1).split(widths, dim=1)
            for mask in masks:
                each = torch.arange(widths[mask])
                found = at_masks[mask][:, each, spelt[mask]].mean(dim=-1)
                scores[mask][places[:, None], columns[mask]] = found
    return scores


def _passes(pieces: Sequence[Sequence[list[int]]]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield how wide each mask is in each pass of the network, and which masks are read then."""
    lengths = [{len(ids) for ids in labels} for labels in pieces]
    single = [mask for mask, found in enumerate(lengths) if 1 in found]
    if single:
        yield [1] * len(pieces), single
    for mask, found in enumerate(lengths):
        for length in sorted(found - {1}):
            yield [length if other == mask else 1 for other in range(len(pieces))], [mask]


def _mask_logits(
    model: TrainedModel, text: str, visual: Sequence[Ids], masks: int, too_long: str
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Yield batches of clips, as their places and the text logits at the masks of one text.

    Yields:
        Places of clips, and their logits, [clips, masks, text ids].

    Raises:
        InputError: with the message ``too_long`` if not all masks fit beside the clip.
    """
    (ids,) = model.processor.text_ids([text])
    for batch in in_batches(model, [ids] * len(visual), visual):
        if int(batch.masked.sum()) != masks * len(batch.places):
            raise InputError(too_long)
        logits = batch.logits(batch.masked)
        yield batch.places, logits[..., : model.processor.vocabulary.text_size]


def _too_long(processor: VideoBertProcessor, template: str, pieces: list[int]) -> str:
    """Say that a template with a label of these pieces in it does not fit."""
    if len(pieces) == 1:
        return f"the template {template!r} is too long for the model: shorten it"
    label = str(processor.tokenizer.decode(pieces))[:60]
    return (
        f"the label {label!r} is too long for the model beside the template {template!r}: shorten "
        "either"
    )
