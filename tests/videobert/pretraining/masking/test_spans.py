"""Spans have SpanBERT's lengths, do not touch, and know their sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.pretraining.masking.spans import LONGEST, Spans, sides, span_lengths
from videobert.pretraining.masking.units import Words

VOCABULARY = Vocabulary(text_size=100, visual_size=50)
CLS, SEP, MASK, JOIN, FIRST = 2, 3, 4, VOCABULARY.joiner, VOCABULARY.first_visual
SPECIAL = (0, 1, 2, 3, 4, JOIN)
GOES_ON = tuple(range(60, 100))


def masker(share: float) -> Masker:
    return Masker(VOCABULARY, MASK, SPECIAL, share, Spans(Words(GOES_ON)))


def runs(row: np.ndarray) -> list[tuple[int, int]]:
    """The first place of each run of True, and the place after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_lengths_have_a_mean_of_3_8_words() -> None:
    lengths = span_lengths(np.random.default_rng(0), 100_000)
    assert lengths.mean() == pytest.approx(3.8, abs=0.05)
    assert (lengths.min(), lengths.max()) == (1, LONGEST)
    assert (lengths == 1).sum() / (lengths == 2).sum() == pytest.approx(1 / 0.8, rel=0.05)


@given(st.integers(1, 30), st.integers(0, 20), st.floats(0, 1), st.integers(0, 2**31))
def test_spans_are_whole_words_of_one_side_within_the_share(
    text: int, visual: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pieces = rng.integers(5, 100, text)
    clips = [JOIN, *rng.integers(FIRST, VOCABULARY.size, visual)] if visual else []
    ids = np.array([[CLS, *pieces, *clips, SEP, 0]] * 3)
    inputs, labels = masker(share)(ids, rng)
    chosen = labels != IGNORED
    cut = next((n for n, piece in enumerate(pieces) if piece < 60), text)
    assert not chosen[:, 1 : 1 + cut].any()  # pieces of a word that begins nowhere
    for row, (hidden, each) in enumerate(zip(chosen, inputs, strict=True)):
        assert not np.isin(ids[row][hidden], SPECIAL).any()
        if cut < text or visual:
            assert hidden.any()
        for first, end in runs(hidden):
            assert ids[row, first] not in GOES_ON and ids[row, end] not in GOES_ON
            assert len({value == MASK for value in each[first:end]}) == 1  # one fate
    words = (ids[0] >= 5) & (ids[0] != JOIN)
    longest = max(len(list(word)) for word in np.split(ids[0], np.flatnonzero(ids[0] < 60)))
    assert (chosen.sum(axis=1) <= max(share * words.sum(), 1) + longest).all()


def test_long_sequences_lose_their_share_in_spans_of_these_lengths() -> None:
    rng = np.random.default_rng(0)
    ids = np.full((300, 402), CLS)
    ids[:, 1:-1] = rng.integers(FIRST, VOCABULARY.size, (300, 400))
    _, labels = masker(0.15)(ids, rng)
    chosen = labels != IGNORED
    lengths = [end - first for row in chosen for first, end in runs(row)]
    assert chosen[:, 1:-1].mean() == pytest.approx(0.15, abs=0.005)
    assert 3.4 < np.mean(lengths) < 3.9 and max(lengths) == LONGEST  # long ones find less room


def test_sides_are_the_nearest_places_that_are_seen() -> None:
    chosen = np.array([[0, 1, 1, 0, 0, 1, 0]], dtype=bool)
    before, after = sides(chosen)
    assert before.tolist() == [[0, 1, 2, 0, 0, 1, 0]] and after.tolist() == [[0, 2, 1, 0, 0, 1, 0]]
