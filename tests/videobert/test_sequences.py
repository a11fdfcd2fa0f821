from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.options import TRUNCATIONS
from videobert.sequences import SequenceLayout, thin

VOCABULARY = Vocabulary(text_size=100, visual_size=50)


def layout(max_length: int = 20, truncation: str = "head") -> SequenceLayout:
    return SequenceLayout(VOCABULARY, 2, 3, 0, max_length, truncation)


@pytest.mark.parametrize(
    ("text", "visual", "ids", "types"),
    [
        ([10, 11], [0, 7], [2, 10, 11, 100, 101, 108, 3], [0, 0, 0, 0, 1, 1, 1]),
        ([10, 11], [], [2, 10, 11, 3], [0, 0, 0, 0]),
        ([], [0, 7], [2, 101, 108, 3], [0, 1, 1, 1]),
    ],
)
def test_the_order_of_a_sequence(
    text: list[int], visual: list[int], ids: list[int], types: list[int]
) -> None:
    assert layout().arrange(text, visual) == (ids, types)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(8, 40), st.sampled_from(TRUNCATIONS))
def test_what_is_too_long_is_made_to_fit_and_what_fits_is_kept(
    text: int, visual: int, length: int, truncation: str
) -> None:
    ids, types = layout(length, truncation).arrange([5] * text, [1] * visual)
    assert len(ids) == len(types) <= length
    kept_text, kept_visual = ids.count(5), ids.count(VOCABULARY.first_visual + 1)
    if text + visual + 3 <= length:
        assert (kept_text, kept_visual) == (text, visual)
    else:
        room = length - 2 - bool(text and visual)
        assert kept_text + kept_visual == min(room, text + visual)
        assert kept_text >= min(text, room // 2) and kept_visual >= min(visual, room // 2)


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [("head", range(10, 18)), ("tail", range(22, 30)), ("head+tail", [10, 11, *range(24, 30)])],
)
def test_of_long_text_the_head_the_tail_or_both_stay(truncation: str, kept: list[int]) -> None:
    ids, _ = layout(10, truncation).arrange(range(10, 30), [])
    assert ids == [2, *kept, 3]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_text_that_fits_is_whole_however_it_would_be_cut(truncation: str) -> None:
    assert layout(10, truncation).arrange(range(10, 18), [])[0] == [2, *range(10, 18), 3]


def test_thinning_is_even_and_keeps_the_order() -> None:
    assert thin(range(10), 5).tolist() == [0, 2, 4, 6, 8]
    assert thin(range(3), 5).tolist() == [0, 1, 2]


def test_padding_is_masked() -> None:
    sequences = [layout().arrange([10], []), layout().arrange([10, 11, 12], [4])]
    ids, types, mask = layout().pad_together(sequences)
    assert ids.shape == types.shape == mask.shape == (2, 7)
    assert mask.sum(axis=1).tolist() == [3, 7] and (ids[mask == 0] == 0).all()
