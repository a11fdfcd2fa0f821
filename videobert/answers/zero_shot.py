"""What is happening in a clip: the words for the [MASK]s of a template, with no training for that task.

VideoBERT, section 4.3: the video's visual words follow ``now let me show you how to [MASK] the [MASK]``; the first mask
is the verb, the second the noun.

A label of n pieces is asked with n [MASK]s in the place of its mask, all others staying as they are. Its score is the mean
log probability of its pieces, each at its own mask, and a label's probability is the softmax of the scores over the labels:
s(w) = 1/n sum_j log P(w_j | template with n masks, video). With one piece each, that is the model's own
distribution, cut down to the labels. The sum instead of the mean would rank every long word behind every short one.
A pass of the network answers for all labels of n pieces at once, so pieces cost a pass a length, not a pass a label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from videobert.answers.options import TEMPLATE, PredictOptions
from videobert.loading import TrainedModel
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Ids
from workfolder.errors import InputError

MASK = "[MASK]"
BATCH = 64


@dataclass(frozen=True)
class Guess:
    """A word for a mask, with its probability among the words that were ranked."""

    word: str
    probability: float


@dataclass(frozen=True)
class Sensitivity:
    """How much the answer for a mask moves with the template.

    Attributes:
        agreement: of all clips and templates, the share whose likeliest word is that of the templates' average; 1 is best.
        distance: total variation, half the sum of absolute differences, between a template's probabilities and the
            average's, as the mean over clips and templates: 0 where no word's probability moves, 1 at most.
    """

    agreement: float
    distance: float

    def __str__(self) -> str:
        return (
            f"{self.agreement:.0%} of single templates' first words are those of their average; "
            f"{self.distance:.0%} of the probability moves with the template"
        )


@dataclass(frozen=True)
class Answer:
    """For each mask the likeliest words over all templates, and how much they hang on the template."""

    guesses: list[list[Guess]]
    sensitivity: list[Sensitivity]


def predict(
    model: TrainedModel,
    words: Ids,
    template: str = TEMPLATE,
    labels: Sequence[str] | None = None,
    top: int = PredictOptions.top,
) -> list[list[Guess]]:
    """The ``top`` likeliest words for each mask of a template, given a clip's visual words (none: language alone).

    Words are ranked over ``labels``, or over all whole words of the vocabulary. InputError if the template has no mask or
    a label cannot be spelt with the vocabulary.
    """
    return predict_with_templates(model, words, [template], labels, top).guesses


def predict_with_templates(
    model: TrainedModel,
    words: Ids,
    templates: Sequence[str],
    labels: Sequence[str] | None = None,
    top: int = PredictOptions.top,
) -> Answer:
    """As ``predict``, with the mean of the probabilities that several templates of as many masks give."""
    processor = model.processor
    masks = check_templates(processor, templates)
    pieces = (
        [[number] for number in whole_words(processor)]
        if labels is None
        else label_pieces(processor, labels)
    )
    names = labels or processor.tokenizer.convert_ids_to_tokens([number for (number,) in pieces])
    by_mask = _probabilities(model, templates, [words], [pieces] * masks)
    guesses = [_likeliest(probabilities.mean(dim=0)[0], names, top) for probabilities in by_mask]
    return Answer(guesses, [sensitivity(probabilities) for probabilities in by_mask])


def _likeliest(probabilities: torch.Tensor, labels: Sequence[str], top: int) -> list[Guess]:
    best = probabilities.topk(min(top, len(labels)))
    return [
        Guess(labels[place], value)
        for value, place in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def sensitivity(probabilities: torch.Tensor) -> Sensitivity:
    """How far templates are apart, of their probabilities, [templates, clips, labels]."""
    average = probabilities.mean(dim=0)
    agreement = (probabilities.argmax(dim=-1) == average.argmax(dim=-1)).float().mean()
    return Sensitivity(
        float(agreement), float((probabilities - average).abs().sum(dim=-1).mean() / 2)
    )


def label_probabilities(
    model: TrainedModel,
    templates: Sequence[str],
    visual: Sequence[Ids],
    labels: Sequence[Sequence[str]],
) -> list[torch.Tensor]:
    """For each mask the probabilities of its own labels, [templates, clips, labels], by the formula above.

    InputError if a template has not one mask for each list of labels, or a label cannot be spelt with the vocabulary.
    """
    if check_templates(model.processor, templates) != len(labels):
        raise InputError(
            f"the template {templates[0]!r} has {templates[0].count(MASK)} {MASK}s: write {len(labels)}"
        )
    return _probabilities(
        model, templates, visual, [label_pieces(model.processor, words) for words in labels]
    )


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
    """For each mask the mean log probability of each label's pieces, [clips, labels]."""
    scores = [torch.empty(len(visual), len(labels)) for labels in pieces]
    for widths, masks in _passes(pieces):
        columns = {
            mask: [n for n, ids in enumerate(pieces[mask]) if len(ids) == widths[mask]]
            for mask in masks
        }
        spelt = {mask: torch.tensor([pieces[mask][n] for n in columns[mask]]) for mask in masks}
        too_long = _too_long(model.processor, template, pieces[masks[0]][columns[masks[0]][0]])
        for places, logits in _logits(
            model, widened(template, widths), visual, sum(widths), too_long
        ):
            at_masks = logits.log_softmax(dim=-1).split(widths, dim=1)
            for mask in masks:
                each = torch.arange(widths[mask])
                scores[mask][places[:, None], columns[mask]] = at_masks[mask][
                    :, each, spelt[mask]
                ].mean(dim=-1)
    return scores


def _too_long(processor: VideoBertProcessor, template: str, pieces: list[int]) -> str:
    """What is said where a template with a label of these pieces in it does not fit."""
    if len(pieces) == 1:
        return f"the template {template!r} is too long for the model: shorten it"
    label = str(processor.tokenizer.decode(pieces))[:60]
    return f"the label {label!r} is too long for the model beside the template {template!r}: shorten either"


def _passes(pieces: Sequence[Sequence[list[int]]]) -> Iterator[tuple[list[int], list[int]]]:
    """How wide each mask is in each pass of the network, and which masks are read then."""
    lengths = [{len(ids) for ids in labels} for labels in pieces]
    single = [mask for mask, found in enumerate(lengths) if 1 in found]
    if single:
        yield [1] * len(pieces), single
    for mask, found in enumerate(lengths):
        for length in sorted(found - {1}):
            yield [length if other == mask else 1 for other in range(len(pieces))], [mask]


def widened(template: str, widths: Sequence[int]) -> str:
    """The template with so many [MASK]s in the place of each of its masks."""
    between = template.split(MASK)
    masks = [" ".join([MASK] * width) for width in widths]
    return "".join(text + mask for text, mask in zip(between, [*masks, ""], strict=True))


@torch.inference_mode()
def _logits(
    model: TrainedModel,
    text: str,
    visual: Sequence[Ids],
    masks: int,
    too_long: str,
    batch: int = BATCH,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of clips as (their places, logits); clips of like length go together, so that little is padding.

    InputError that says ``too_long`` if not all of the text's masks are left beside the video.
    """
    network, processor = model.network, model.processor
    for places in torch.tensor([len(words) for words in visual]).argsort(stable=True).split(batch):
        chosen = places.tolist()
        inputs = processor(
            [text] * len(chosen),
            [visual[place] for place in chosen],
            network.config.max_position_embeddings,
        )
        asked = inputs["input_ids"] == processor.tokenizer.mask_token_id
        if int(asked.sum()) != masks * len(asked):
            raise InputError(too_long)
        there = {
            name: tensor.to(network.device)
            for name, tensor in (inputs | {"predict_at": asked}).items()
        }
        logits = network(**there).prediction_logits.float().cpu()
        yield places, logits.view(len(asked), masks, -1)[..., : processor.vocabulary.text_size]


def check_template(template: str) -> int:
    """How many masks a template has; InputError if it has none."""
    masks = template.count(MASK)
    if not masks:
        raise InputError(
            f"the template {template!r} has no {MASK}: put one where a word is to be found"
        )
    return masks


def check_templates(processor: VideoBertProcessor, templates: Sequence[str]) -> int:
    """How many masks each template has.

    InputError if one has none, or not as many as the first, or another of the tokenizer's signs, which would be obeyed.
    """
    tokenizer, masks = processor.tokenizer, check_template(templates[0])
    signs = set(tokenizer.all_special_ids) - {tokenizer.mask_token_id, tokenizer.unk_token_id}
    for template, ids in zip(templates, processor.text_ids(templates), strict=True):
        if check_template(template) != masks:
            raise InputError(f"the template {template!r} has not {masks} {MASK}s, as the first has")
        if wrong := signs.intersection(ids):
            sign = tokenizer.convert_ids_to_tokens(min(wrong))
            raise InputError(
                f"the template {template!r} has {sign}, a sign that the model reads as its own: leave it out"
            )
    return masks


def read_templates(path: Path, processor: VideoBertProcessor) -> list[str]:
    """The templates of a file, one a line; InputError if there is none, or as ``check_templates`` has it."""
    templates = read_lines(path, "template")
    with _said_of(path):
        check_templates(processor, templates)
    return templates


def read_labels(path: Path, processor: VideoBertProcessor) -> list[str]:
    """The labels of a file, one a line; InputError if there is none, or as ``label_pieces`` has it."""
    labels = read_lines(path, "word")
    with _said_of(path):
        label_pieces(processor, labels)
    return labels


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """What is refused here is a file's fault."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a text file, with or without a byte order mark, that are not empty; InputError if there is none."""
    try:
        lines = [
            line.strip()
            for line in path.read_text(encoding="utf-8-sig").splitlines()
            if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no list of {what}s, one a line: {error}") from error
    if not lines:
        raise InputError(f"{path} is empty: write one {what} a line")
    return lines


def whole_words(processor: VideoBertProcessor) -> list[int]:
    """Ids of the vocabulary's whole words, letters only: no special tokens, pieces, digits or punctuation."""
    tokens = processor.tokenizer.convert_ids_to_tokens(list(range(processor.vocabulary.text_size)))
    return [number for number, token in enumerate(tokens) if token.isalpha()]


def label_pieces(processor: VideoBertProcessor, labels: Sequence[str]) -> list[list[int]]:
    """The pieces of each label; InputError for one that the vocabulary cannot spell, or that is there twice."""
    if not labels:
        raise InputError("there is no label to rank: give one at least")
    if wrong := unspelt(processor, labels):
        raise InputError(
            f"the label {wrong[0]!r} cannot be spelt with the model's vocabulary: leave it out"
        )
    pieces = processor.text_ids(labels)
    first: dict[tuple[int, ...], str] = {}
    for label, ids in zip(labels, pieces, strict=True):
        if tuple(ids) in first:
            raise InputError(
                f"the labels {first[tuple(ids)]!r} and {label!r} are one to the model: leave one out"
            )
        first[tuple(ids)] = label
    return pieces


def unspelt(processor: VideoBertProcessor, labels: Sequence[str]) -> list[str]:
    """The labels that the vocabulary cannot spell."""
    special = set(processor.tokenizer.all_special_ids)
    return [
        label
        for label, ids in zip(labels, processor.text_ids(labels), strict=True)
        if not ids or special & set(ids)
    ]
