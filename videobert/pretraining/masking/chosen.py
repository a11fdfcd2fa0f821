"""Makes the masker that the options ask for."""

from __future__ import annotations

from pathlib import Path

from tokenization.pieces import continuing_pieces
from videobert.answers.spelling import unspelt
from videobert.answers.text_files import read_lines
from videobert.orders import IN_ORDERS
from videobert.pretraining.masking.copies import Copier
from videobert.pretraining.masking.masker import Masker
from videobert.pretraining.masking.spans import Spans
from videobert.pretraining.masking.units import Phrases, Runs, Units, Words
from videobert.pretraining.options import RUNS, SPANS, WORDS, PretrainOptions
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


def make_masker(processor: VideoBertProcessor, options: PretrainOptions) -> Masker | Copier:
    """Return what hides the words of a processor's vocabulary, or asks for them by copies.

    Raises:
        InputError: if the vocabulary has no such mask token, or can spell none of the phrases.
    """
    special = sorted({*processor.tokenizer.all_special_ids, processor.vocabulary.joiner})
    mask = _mask(processor, options.mask_token)
    if options.objective in IN_ORDERS:
        return Copier(mask, tuple(special), options.masked_share, options.objective)
    units = _units(processor, options)
    return Masker(processor.vocabulary, mask, tuple(special), options.masked_share, units)


def _mask(processor: VideoBertProcessor, token: str) -> int:
    tokenizer = processor.tokenizer
    if not token:
        return tokenizer.mask_token_id
    known = tokenizer.get_vocab()
    if token not in known:
        raise InputError(
            f"--mask-token {token!r} is not in the tokenizer's vocabulary: give one that is, such "
            f"as {tokenizer.unk_token}"
        )
    return known[token]


def _units(processor: VideoBertProcessor, options: PretrainOptions) -> Units | Spans:
    if options.masking == RUNS:
        return Runs(processor.vocabulary.first_visual)
    if options.masking == WORDS:
        return Words(continuing_pieces(processor.tokenizer))
    if options.masking == SPANS:
        return Spans(Words(continuing_pieces(processor.tokenizer)))
    if options.phrases_file:
        words = Words(continuing_pieces(processor.tokenizer))
        return Phrases(_phrases(processor, options.phrases_file), words)
    return Words()


def _phrases(processor: VideoBertProcessor, path: Path) -> list[tuple[int, ...]]:
    """Read the phrases of a file that the vocabulary can spell.

    Raises:
        InputError: if there are none.
    """
    lines = read_lines(path, "phrase")
    wrong = set(unspelt(processor, lines))
    spelt = [line for line in lines if line not in wrong]
    if not spelt:
        raise InputError(f"{path} has no phrase that the tokenizer can spell: write others")
    return [tuple(ids) for ids in processor.text_ids(spelt)]
