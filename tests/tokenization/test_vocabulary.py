from __future__ import annotations

import numpy as np
import pytest

from tokenization.vocabulary import Vocabulary, train_wordpiece
from workfolder.errors import InputError

SENTENCES = ["now we chop the carrot", "now we stir the onion", "chop the onion and stir"] * 3


def test_ids_follow_each_other_and_add_up_to_the_papers() -> None:
    vocabulary = Vocabulary(text_size=30_522, visual_size=12**4)
    assert (vocabulary.joiner, vocabulary.first_visual, vocabulary.size) == (30_522, 30_523, 51_259)
    assert vocabulary.visual_ids(np.array([0, 20_735])).tolist() == [30_523, 51_258]


@pytest.mark.parametrize("word", [-1, 10])
def test_a_word_beyond_the_codebook_is_refused(word: int) -> None:
    with pytest.raises(InputError, match=r"beyond the 10 .* run videobert tokenize"):
        Vocabulary(100, 10).visual_ids(np.array([0, word]))


def test_wordpiece_knows_the_words_it_was_taught() -> None:
    tokenizer = train_wordpiece(SENTENCES)
    assert tokenizer.tokenize("Chop the CARROT") == ["chop", "the", "carrot"]
    ids = tokenizer("chop [MASK]")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "chop", "[MASK]", "[SEP]"]
    assert (
        tokenizer.decode(tokenizer("stir onion", add_special_tokens=False)["input_ids"])
        == "stir onion"
    )


def test_teaching_twice_gives_the_same_ids() -> None:
    assert train_wordpiece(SENTENCES).get_vocab() == train_wordpiece(SENTENCES).get_vocab()
