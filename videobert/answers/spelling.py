"""Sentences and labels as WordPiece ids, and which of them the model's vocabulary cannot spell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from videobert.answers.text_files import blame, read_lines
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


def label_pieces(processor: VideoBertProcessor, labels: Sequence[str]) -> list[list[int]]:
    """Spell each label, as ids of its pieces.

    Raises:
        InputError: if there is no label, one cannot be spelt, or two are the same to the model.
    """
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
            same = first[tuple(ids)]
            raise InputError(
                f"the labels {same!r} and {label!r} are one to the model: leave one out"
            )
        first[tuple(ids)] = label
    return pieces


def unspelt(processor: VideoBertProcessor, labels: Sequence[str]) -> list[str]:
    """List the labels that the vocabulary cannot spell."""
    special = set(processor.tokenizer.all_special_ids)
    pairs = zip(labels, processor.text_ids(labels), strict=True)
    return [label for label, ids in pairs if not ids or special & set(ids)]


def read_labels(path: Path, processor: VideoBertProcessor) -> list[str]:
    """Read the labels of a file, one a line.

    Raises:
        InputError: if there are none, or they cannot be ranked; see ``label_pieces``.
    """
    labels = read_lines(path, "word")
    with blame(path):
        label_pieces(processor, labels)
    return labels


def check_sentence(processor: VideoBertProcessor, sentence: str) -> None:
    """Refuse a sentence that tells the model nothing.

    Raises:
        InputError: if it is empty, the vocabulary can spell no part of it, or it has a sign that
            the model would obey.
    """
    if not sentence.strip():
        raise InputError("the sentence is empty: write what is to be seen")
    (ids,) = processor.text_ids([sentence])
    if not set(ids) - set(processor.tokenizer.all_special_ids):
        raise InputError(
            f"the sentence {sentence!r} cannot be spelt with the model's vocabulary: use other "
            "words"
        )
    refuse_signs(processor, "sentence", sentence)


def refuse_signs(processor: VideoBertProcessor, what: str, text: str) -> None:
    """Refuse a text with one of the tokenizer's signs other than [MASK], such as [SEP].

    Args:
        processor: Knows the signs.
        what: What the text is, for the message.
        text: The text.

    Raises:
        InputError: if it has one.
    """
    tokenizer = processor.tokenizer
    signs = set(tokenizer.all_special_ids) - {tokenizer.mask_token_id, tokenizer.unk_token_id}
    if wrong := signs.intersection(*processor.text_ids([text])):
        sign = tokenizer.convert_ids_to_tokens(min(wrong))
        raise InputError(
            f"the {what} {text!r} has {sign}, a sign that the model reads as its own: leave it out"
        )
