from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.pretraining.masking.units import Words

VOCABULARY = Vocabulary(text_size=1000, visual_size=500)
SPECIAL = (0, 1, 2, 3, 4, VOCABULARY.joiner)
MASK = 4


def masked(rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    text = rng.integers(5, 1000, (rows, 12))
    visual = rng.integers(VOCABULARY.first_visual, VOCABULARY.size, (rows, 8))
    column = np.ones((rows, 1), int)
    ids = np.hstack([2 * column, text, VOCABULARY.joiner * column, visual, 3 * column, 0 * column])
    inputs, labels = Masker(VOCABULARY, MASK, SPECIAL)(ids, rng)
    return ids, inputs, labels


def test_fifteen_per_cent_are_chosen_and_no_special_id_ever() -> None:
    ids, inputs, labels = masked()
    chosen = labels != IGNORED
    assert (labels[chosen] == ids[chosen]).all() and (inputs[~chosen] == ids[~chosen]).all()
    assert not np.isin(ids[chosen], SPECIAL).any()
    assert abs(chosen.sum() / (4000 * 20) - 0.15) < 0.005
    assert chosen.any(axis=1).all()


def test_eighty_ten_ten() -> None:
    ids, inputs, labels = masked()
    chosen = labels != IGNORED
    shares = [(inputs == MASK)[chosen].mean(), (inputs == ids)[chosen].mean()]
    assert np.allclose(shares, [0.8, 0.1], atol=0.02)


def test_a_random_replacement_is_of_the_same_modality_and_never_special() -> None:
    ids, inputs, labels = masked()
    replaced = (labels != IGNORED) & (inputs != MASK)
    assert not np.isin(inputs[replaced], SPECIAL).any()
    assert ((inputs[replaced] < VOCABULARY.joiner) == (ids[replaced] < VOCABULARY.joiner)).all()


def test_a_short_sequence_has_one_mask() -> None:
    ids = np.array([[2, 10, 3]] * 50)
    _, labels = Masker(VOCABULARY, MASK, SPECIAL)(ids, np.random.default_rng(0))
    assert (labels[:, 1] == 10).all()


PIECES = tuple(range(500, 1000))
"""Ids that go on with a word."""


def words_and_pieces(rows: int) -> np.ndarray:
    """[CLS], twelve pieces that make words of one, two and three, [>], four visual words, [SEP]."""
    rng = np.random.default_rng(1)
    first = rng.integers(5, 500, (rows, 12))
    goes_on = np.isin(np.arange(12), [2, 4, 5, 8, 11])
    text = np.where(goes_on, rng.integers(500, 1000, (rows, 12)), first)
    column = np.ones((rows, 1), int)
    visual = rng.integers(VOCABULARY.first_visual, VOCABULARY.size, (rows, 4))
    return np.hstack([2 * column, text, VOCABULARY.joiner * column, visual, 3 * column])


def test_whole_words_are_hidden_with_all_their_pieces_or_not_at_all() -> None:
    ids = words_and_pieces(6000)
    _, labels = Masker(VOCABULARY, MASK, SPECIAL, units=Words(PIECES))(
        ids, np.random.default_rng(0)
    )
    chosen = labels != IGNORED
    for word in ([2, 3], [4, 5, 6], [8, 9], [11, 12]):
        assert (chosen[:, word].all(axis=1) == chosen[:, word].any(axis=1)).all()
    assert not np.isin(ids[chosen], SPECIAL).any() and chosen.any(axis=1).all()
    assert (
        0.14 < chosen.sum() / (len(ids) * 16) < 0.18
    )  # a word that is begun is hidden whole, even if that is over the share
    _, labels = Masker(VOCABULARY, MASK, SPECIAL)(ids, np.random.default_rng(0))
    torn = labels[:, [2, 3]] != IGNORED  # where each piece is chosen for itself
    assert (torn.any(axis=1) & ~torn.all(axis=1)).any()


def test_a_text_that_begins_inside_a_word_has_one_mask_too() -> None:
    ids = words_and_pieces(2000)[:, [0, 3, 5, 6, 1, -1]]  # ##a ##b ##c, then a word
    _, labels = Masker(VOCABULARY, MASK, SPECIAL, units=Words(PIECES))(
        ids, np.random.default_rng(0)
    )
    chosen = labels != IGNORED
    assert chosen[:, 4].all() and chosen.sum() == len(ids)


def test_every_word_is_as_likely_to_be_hidden_as_another() -> None:
    _, labels = Masker(VOCABULARY, MASK, SPECIAL, units=Words(PIECES))(
        words_and_pieces(20_000), np.random.default_rng(0)
    )
    share = (labels != IGNORED).mean(axis=0)[[1, 2, 4, 7, 8, 10, 11, 14, 15, 16, 17]]
    assert share.min() > 0.75 * share.max()


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 2**31))
def test_the_share_is_kept_to_a_whole_number(length: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.full((3, length + 2), 3)
    ids[:, 1:-1] = rng.integers(5, 1000, (3, length))
    inputs, labels = Masker(VOCABULARY, MASK, SPECIAL, share)(ids, rng)
    hidden = (labels != IGNORED).sum(axis=1)
    assert (hidden >= max(1, np.floor(share * length))).all() and (
        hidden <= max(1, np.ceil(share * length))
    ).all()
    assert (inputs[:, [0, -1]] == 3).all()


def test_a_sequence_of_special_ids_is_left_alone() -> None:
    ids = np.array([[2, 3, 0, 0], [2, 1, VOCABULARY.joiner, 3]])
    inputs, labels = Masker(VOCABULARY, MASK, SPECIAL, 1.0)(ids, np.random.default_rng(0))
    assert (inputs == ids).all() and (labels == IGNORED).all()
