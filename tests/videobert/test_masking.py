from __future__ import annotations

import numpy as np

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.masking import IGNORED, Masker

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
