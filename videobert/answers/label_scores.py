"""The scores of labels at the masks of one template: a label of n pieces is read at n masks.

The score of a label is the mean log probability of its pieces, each at its own mask,

    s(w) = 1/n sum_j log P(w_j | template with n masks, clip).

The sum in place of the mean would rank every long word behind every short one. A pass of the
network answers for all labels of n pieces, so pieces cost a pass for each length, not for each
label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from videobert.answers.templates import widened
from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Ids
from videobert.softmax import log_softmax
from workfolder.errors import InputError

Pieces = Sequence[Sequence[list[int]]]
"""For each mask its labels, each as ids of its pieces."""


def label_scores(
    model: TrainedModel, template: str, visual: Sequence[Ids], pieces: Pieces
) -> list[np.ndarray]:
    """Score the labels of each mask by the mean log probability of their pieces.

    Args:
        model: Is asked.
        template: One template.
        visual: Visual words of clips.
        pieces: For each mask its labels, each as ids of its pieces.

    Returns:
        For each mask, float32 [clips, labels].
    """
    scores = [np.empty((len(visual), len(labels)), np.float32) for labels in pieces]
    for widths, masks in _passes(pieces):
        columns = {
            mask: [n for n, ids in enumerate(pieces[mask]) if len(ids) == widths[mask]]
            for mask in masks
        }
        spelt = {mask: np.array([pieces[mask][n] for n in columns[mask]]) for mask in masks}
        too_long = _too_long(model.processor, template, pieces[masks[0]][columns[masks[0]][0]])
        text = widened(template, widths)
        for places, logits in _mask_logits(model, text, visual, sum(widths), too_long):
            at_masks = np.split(log_softmax(logits), np.cumsum(widths)[:-1], axis=1)
            for mask in masks:
                each = np.arange(widths[mask])
                found = at_masks[mask][:, each, spelt[mask]].mean(axis=-1)
                scores[mask][places[:, None], columns[mask]] = found
    return scores


def _passes(pieces: Pieces) -> Iterator[tuple[list[int], list[int]]]:
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
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
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
