"""Words, runs and phrases are hidden whole or not at all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.pretraining.masking.units import Phrases, Runs, Words

VOCABULARY = Vocabulary(text_size=40, visual_size=6)
CLS, SEP, MASK, JOIN, FIRST = 2, 3, 4, VOCABULARY.joiner, VOCABULARY.first_visual
SPECIAL = (0, 1, 2, 3, 4, JOIN)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.integers(0, 2**31))
def test_no_hidden_clip_stands_beside_an_equal_one_that_is_seen(
    visual: list[int], seed: int
) -> None:
    ids = np.array([[CLS, 10, 10, JOIN, *(FIRST + word for word in visual), SEP]] * 40)
    masker = Masker(VOCABULARY, MASK, SPECIAL, 0.4, Runs(FIRST))
    inputs, labels = masker(ids, np.random.default_rng(seed))
    chosen, equal = labels != IGNORED, (ids[:, 1:] == ids[:, :-1]) & (ids[:, 1:] >= FIRST)
    assert (chosen[:, 1:] == chosen[:, :-1])[equal].all() and chosen.any(axis=1).all()
    hidden = inputs == MASK
    assert (hidden[:, 1:] == hidden[:, :-1])[equal].all()  # one fate
    assert (chosen[:, 1] != chosen[:, 2]).any()  # equal pieces of text are no run


def test_a_run_is_as_likely_to_be_hidden_as_a_single_clip() -> None:
    ids = np.array([[CLS, *(FIRST + np.array([0, 0, 0, 1, 2, 2, 3, 4])), SEP]] * 8000)
    _, labels = Masker(VOCABULARY, MASK, SPECIAL, 0.3, Runs(FIRST))(ids, np.random.default_rng(0))
    share = (labels != IGNORED).mean(axis=0)[1:-1]
    assert share.min() > 0.7 * share.max() and len(set(share[:3])) == 1


PHRASES = [(10, 11), (10, 11, 12), (13,), (14, 15)]
WORDS = Words((15, 16))


def homes(*ids: int) -> list[int]:
    return Phrases(PHRASES, WORDS).homes(np.array([ids]))[0].tolist()


def test_the_longest_phrase_that_begins_at_a_place_counts() -> None:
    assert homes(2, 10, 11, 12, 10, 11, 3) == [0, 1, 1, 1, 4, 4, 6]
    assert homes(10, 10, 11) == [0, 1, 1]
    assert homes(2, 13, 20, 3) == [0, 1, 2, 3]


def test_a_phrase_ends_where_a_word_does_and_other_words_stay_whole() -> None:
    assert homes(10, 11, 16, 20) == [0, 1, 1, 3]  # 11 16 is another word
    assert homes(14, 15, 3) == [0, 0, 2] and homes(20, 15, 16, 13) == [0, 0, 0, 3]


def test_phrases_are_hidden_with_one_fate() -> None:
    ids = np.array([[CLS, 20, 10, 11, 12, 21, 22, 23, 24, SEP]] * 4000)
    masker = Masker(VOCABULARY, MASK, SPECIAL, 0.2, Phrases(PHRASES, WORDS))
    inputs, labels = masker(ids, np.random.default_rng(0))
    phrase = labels[:, 2:5] != IGNORED
    assert (phrase.all(axis=1) == phrase.any(axis=1)).all() and 0.1 < phrase[:, 0].mean() < 0.5
    kinds = (inputs[:, 2:5] == MASK).sum(axis=1)
    assert set(kinds.tolist()) == {0, 3}
