"""Each kind of tokenizer says which pieces are words, and is asked with the same [MASK]."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from transformers import PreTrainedTokenizerBase

from tests.toys import tokenizers as toys
from tests.toys.codebook import toy_codebook
from tokenization.pieces import as_read, as_typed, continuing_pieces, words_of_one_piece
from videobert.processing_videobert import VideoBertProcessor, with_joiner

KINDS = (
    toys.wordpiece,
    toys.mpnet_wordpiece,
    toys.byte_bpe,
    toys.bracketed_byte_bpe,
    toys.sentencepiece,
    toys.bracketed_sentencepiece,
)
kinds = pytest.mark.parametrize("make", KINDS)
Make = Callable[[], PreTrainedTokenizerBase]


@kinds
def test_pieces_that_are_words_are_found_as_people_write_them(make: Make) -> None:
    tokenizer = make()
    words = words_of_one_piece(tokenizer, len(tokenizer))
    assert set(toys.WORDS) <= set(words.values())  # beside them beginnings of words, such as gra
    assert len(set(words.values())) == len(words) and "ing" not in words.values()
    for number, word in words.items():
        assert tokenizer(as_read(tokenizer, word), add_special_tokens=False).input_ids == [number]


@kinds
def test_a_piece_goes_on_where_a_word_has_several(make: Make) -> None:
    tokenizer = make()
    ids = tokenizer(as_read(tokenizer, "chop frying"), add_special_tokens=False).input_ids
    continuing = set(continuing_pieces(tokenizer))
    assert len(ids) > 2
    assert [number in continuing for number in ids] == [False, False] + [True] * (len(ids) - 2)
    assert not continuing & {tokenizer.cls_token_id, tokenizer.mask_token_id}


@kinds
def test_one_mask_is_asked_of_every_tokenizer_wherever_it_stands(make: Make) -> None:
    processor = VideoBertProcessor(with_joiner(make()), toy_codebook())
    tokenizer = processor.tokenizer
    first, inside, nothing = processor.text_ids(["[MASK] the onion", "chop the [MASK]", ""])
    assert first[0] == inside[-1] == tokenizer.mask_token_id and len(first) == len(inside) == 3
    assert nothing == []
    assert processor.text_ids(["chop"])[0] == inside[:1]  # a word is spelt alike everywhere
    assert tokenizer.convert_tokens_to_ids("[>]") == processor.vocabulary.joiner
    own = str(tokenizer.mask_token)
    assert as_typed(tokenizer, f"chop the {own}") == "chop the [MASK]"
