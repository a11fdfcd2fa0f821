"""Rows hold every sequence once, with little padding."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from videobert.learning.packing import PADDING, ROW_LENGTHS, best_rows, fill_rows, pack


@given(st.lists(st.integers(2, 128), min_size=1, max_size=60))
def test_each_sequence_is_in_one_row_and_rows_are_not_overfull(lengths: list[int]) -> None:
    rows = fill_rows(lengths, 128)
    assert sorted(place for row in rows for place in row) == list(range(len(lengths)))
    filled = [sum(lengths[place] for place in row) for row in rows]
    assert max(filled) <= 128
    assert sum(length <= 64 for length in filled) <= 1  # two half-empty rows would be one


@given(st.lists(st.integers(2, 300), min_size=1, max_size=60))
def test_the_rows_with_the_least_padding_are_taken(lengths: list[int]) -> None:
    def padding(rows: list[list[int]]) -> int:
        return len(rows) * max(sum(lengths[place] for place in row) for row in rows) - sum(lengths)

    best = best_rows(lengths)
    assert sorted(place for row in best for place in row) == list(range(len(lengths)))
    assert padding(best) == min(
        padding(fill_rows(lengths, max(length, *lengths, 1))) for length in ROW_LENGTHS
    )


def test_named_arrays_are_laid_into_rows() -> None:
    letters = np.array([[1, 2, 3], [4, 5, 0], [6, 0, 0]])
    packed = pack({"a": letters, "b": -letters}, np.array([3, 2, 1]), {"b": 9}, np.array([2, 0]))
    assert {name: tensor.tolist() for name, tensor in packed.items()} == {
        "a": [[1, 2, 3, 6]],
        "b": [[-1, -2, -3, -6]],
        "sequence_ids": [[0, 0, 0, 2]],
        "position_ids": [[0, 1, 2, 0]],
    }


def test_padding_is_filled_by_name() -> None:
    lengths = np.array([150, 100])
    packed = pack({"a": np.ones((2, 150), int)}, lengths, {"a": 7}, np.arange(2))
    assert packed["a"].tolist()[1] == [1] * 100 + [7] * 50
    assert packed["sequence_ids"].tolist()[1] == [1] * 100 + [PADDING] * 50


def test_sentences_fill_rows_nearly_to_the_brim() -> None:
    lengths = np.random.default_rng(0).integers(20, 61, size=128)
    packed = pack({"a": np.ones((128, 60), int)}, lengths, {}, np.arange(128))
    assert (packed["sequence_ids"] != PADDING).float().mean() > 0.95
    assert lengths.sum() / (128 * 128) < 0.35  # the share that padding to 128 would have had
