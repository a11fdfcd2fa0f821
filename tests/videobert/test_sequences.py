from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.sequences import SequenceLayout, thin

VOCABULARY = Vocabulary(text_size=100, visual_size=50)


def layout(max_length: int = 20) -> SequenceLayout:
    return SequenceLayout(VOCABULARY, cls=2, sep=3, pad=0, max_length=max_length)


@pytest.mark.parametrize(
    ("text", "visual", "ids", "types"),
    [
        ([10, 11], [0, 7], [2, 10, 11, 100, 101, 108, 3], [0, 0, 0, 0, 1, 1, 1]),
        ([10, 11], [], [2, 10, 11, 3], [0, 0, 0, 0]),
        ([], [0, 7], [2, 101, 108, 3], [0, 1, 1, 1]),
    ],
)
def test_the_order_of_a_sequence(text: list[int], visual: list[int], ids: list[int], types: list[int]) -> None:
    assert layout().arrange(text, visual) == (ids, types)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(8, 40))
def test_what_is_too_long_is_made_to_fit_and_what_fits_is_kept(text: int, visual: int, length: int) -> None:
    ids, types = layout(length).arrange([5] * text, [1] * visual)
    assert len(ids) == len(types) <= length
    kept_text, kept_visual = ids.count(5), ids.count(VOCABULARY.first_visual + 1)
    if text + visual + 3 <= length:
        assert (kept_text, kept_visual) == (text, visual)
    else:
        room = length - 2 - bool(text and visual)
        assert kept_text + kept_visual == min(room, text + visual)
        assert kept_text >= min(text, room // 2) and kept_visual >= min(visual, room // 2)


def test_thinning_is_even_and_keeps_the_order() -> None:
    assert thin(range(10), 5).tolist() == [0, 2, 4, 6, 8]
    assert thin(range(3), 5).tolist() == [0, 1, 2]


def test_padding_is_masked() -> None:
    sequences = [layout().arrange([10], []), layout().arrange([10, 11, 12], [4])]
    ids, types, mask = layout().pad_together(sequences)
    assert ids.shape == types.shape == mask.shape == (2, 7)
    assert mask.sum(axis=1).tolist() == [3, 7] and (ids[mask == 0] == 0).all()
