"""Sequences hold what fits of texts and visual words, and say where each of them went."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.pretraining.options import TRUNCATIONS
from videobert.sequences import SequenceLayout, evenly_spaced

VOCABULARY = Vocabulary(text_size=100, visual_size=50)


def layout(max_length: int = 20, truncation: str = "head") -> SequenceLayout:
    return SequenceLayout(VOCABULARY, 2, 3, 0, max_length, truncation)


@pytest.mark.parametrize(
    ("text", "visual", "second", "ids", "types"),
    [
        ([10, 11], [0, 7], [], [2, 10, 11, 100, 101, 108, 3], [0, 0, 0, 0, 1, 1, 1]),
        ([10, 11], [], [], [2, 10, 11, 3], [0, 0, 0, 0]),
        ([], [0, 7], [], [2, 101, 108, 3], [0, 1, 1, 1]),
        ([], [], [], [2, 3], [0, 0]),
        ([10], [0], [20, 21], [2, 10, 3, 20, 21, 100, 101, 3], [0, 0, 0, 0, 0, 0, 1, 1]),
        ([10], [], [20, 21], [2, 10, 3, 20, 21, 3], [0, 0, 0, 0, 0, 0]),
        ([], [0], [20], [2, 20, 100, 101, 3], [0, 0, 0, 1, 1]),
    ],
)
def test_the_order_of_a_sequence(
    text: list[int], visual: list[int], second: list[int], ids: list[int], types: list[int]
) -> None:
    row = layout().arrange(text, visual, second)
    assert (row.ids.tolist(), row.types.tolist()) == (ids, types)


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(8, 40),
    st.sampled_from(TRUNCATIONS),
)
def test_what_is_too_long_is_made_to_fit_and_what_fits_is_kept(
    first: int, visual: int, second: int, length: int, truncation: str
) -> None:
    row = layout(length, truncation).arrange([5] * first, [1] * visual, [6] * second)
    assert len(row.ids) == len(row.types) <= length
    kept = len(row.text.kept), len(row.second_text.kept), len(row.visual.kept)
    text = first + second
    room = length - 2 - bool(first and second) - bool(text and visual)
    assert sum(kept) == min(room, text + visual)
    assert kept[0] + kept[1] >= min(text, room // 2) and kept[2] >= min(visual, room // 2)
    if kept[0] < first:  # the longer text is cut first
        assert kept[0] >= kept[1] or kept[1] == second
    if kept[1] < second:
        assert kept[1] >= kept[0] - 1


@given(
    st.lists(st.integers(5, 99), max_size=40),
    st.lists(st.integers(0, 49), max_size=40),
    st.lists(st.integers(5, 99), max_size=40),
    st.sampled_from(TRUNCATIONS),
)
def test_a_row_says_where_every_id_of_every_input_went(
    text: list[int], visual: list[int], second: list[int], truncation: str
) -> None:
    row = layout(24, truncation).arrange(text, visual, second)
    first_visual = VOCABULARY.first_visual
    inputs = (
        (np.array(text, dtype=int), row.text),
        (np.array(second, dtype=int), row.second_text),
        (np.array(visual, dtype=int) + first_visual, row.visual),
    )
    for ids, placed in inputs:
        assert row.ids[placed.positions].tolist() == ids[placed.kept].tolist()
    taken = np.concatenate([placed.positions for _, placed in inputs])
    special = np.setdiff1d(np.arange(len(row.ids)), taken)
    assert len(set(taken.tolist())) == len(taken)
    assert set(row.ids[special].tolist()) <= {2, 3, VOCABULARY.joiner}


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [("head", range(8)), ("tail", range(12, 20)), ("head+tail", [0, 1, *range(14, 20)])],
)
def test_of_long_text_the_head_the_tail_or_both_stay(truncation: str, kept: list[int]) -> None:
    row = layout(10, truncation).arrange(range(10, 30), [])
    assert row.text.kept.tolist() == [*kept]
    assert row.ids.tolist() == [2, *(10 + place for place in kept), 3]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_text_that_fits_is_whole_however_it_would_be_cut(truncation: str) -> None:
    row = layout(10, truncation).arrange(range(10, 18), [])
    assert row.ids.tolist() == [2, *range(10, 18), 3]


def test_of_many_clips_the_row_names_those_that_are_left() -> None:
    row = layout(10).arrange([5, 6, 7, 8, 9], range(10))  # 7 ids have room: 4 words and 3 clips
    assert row.text.kept.tolist() == [0, 1, 2, 3] and row.text.positions.tolist() == [1, 2, 3, 4]
    assert row.visual.kept.tolist() == [0, 3, 6] and row.visual.positions.tolist() == [6, 7, 8]


def test_indices_are_evenly_spaced_and_in_order() -> None:
    assert evenly_spaced(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert evenly_spaced(3, 5).tolist() == [0, 1, 2]


def test_padding_is_masked() -> None:
    rows = [layout().arrange([10], []), layout().arrange([10, 11, 12], [4])]
    ids, types, mask = layout().pad_together(rows)
    assert ids.shape == types.shape == mask.shape == (2, 7)
    assert mask.sum(axis=1).tolist() == [3, 7] and (ids[mask == 0] == 0).all()
