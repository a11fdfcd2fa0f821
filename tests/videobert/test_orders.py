"""Who sees whom, where a sequence is read in an order, and where masks ask in place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from videobert.orders import BEYOND, CAUSAL, PERMUTATION, visible, visible_to_ask

MASK = 4


def rows(seen: np.ndarray | torch.Tensor) -> list[str]:
    return ["".join("x" if each else "." for each in row) for row in seen.tolist()]


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_a_place_sees_itself_and_what_is_below_its_reach_in_its_own_sequence(array) -> None:
    rank = array([[BEYOND, 1, 0, BEYOND, 0, 1]])
    reach = array([[BEYOND, 1, 0, 1, 0, 1]])
    sequence = array([[7, 7, 7, 7, 8, 8]])
    # [CLS], two words of which the second comes first, a copy for the other, another sequence
    assert rows(visible(rank, reach, sequence)[0]) == [
        "xxx...",
        ".xx...",
        "..x...",
        "..xx..",
        "....x.",
        "....xx",
    ]


def test_masks_in_place_ask_as_copies_do() -> None:
    ids = np.array([[2, 10, MASK, 11, 3, 0]])
    present = np.array([[1, 1, 1, 1, 1, 0]])
    assert rows(visible_to_ask(ids, present, MASK, PERMUTATION)[0, 0]) == [
        "xx.xx.",
        ".x.xx.",
        ".xxxx.",
        ".x.xx.",
        ".x.xx.",
        ".....x",
    ]
    assert rows(visible_to_ask(ids, present, MASK, CAUSAL)[0, 0]) == [
        "xx.xx.",
        ".x....",
        ".xx...",
        ".x.x..",
        ".x.xx.",
        ".....x",
    ]
