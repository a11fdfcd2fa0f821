"""Draws follow from seed and step alone; each item comes once an epoch."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from videobert.learning.draws import Epochs, seed_torch


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 3))
def test_each_item_comes_once_an_epoch(size: int, batch_size: int, seed: int) -> None:
    epochs = Epochs(size, batch_size, (seed,))
    steps = 3 * size  # a whole number of epochs
    drawn = np.concatenate([epochs.batch(step) for step in range(steps)])
    numbers = np.concatenate([epochs.epochs(step) for step in range(steps)])
    assert len(drawn) == steps * batch_size
    for epoch in range(3 * batch_size):
        assert sorted(drawn[numbers == epoch].tolist()) == list(range(size))


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 50))
def test_a_batch_is_the_same_whatever_was_drawn_before(size: int, batch: int, step: int) -> None:
    fresh, used = Epochs(size, batch, (1, 2)), Epochs(size, batch, (1, 2))
    for before in range(step):
        used.batch(before)
    assert (fresh.batch(step) == used.batch(step)).all()


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, other = Epochs(20, 20, (0,)), Epochs(20, 20, (1,))
    orders = [first.batch(0), first.batch(1), other.batch(0)]
    assert len({tuple(order.tolist()) for order in orders}) == 3


def test_no_items_make_no_batch() -> None:
    assert len(Epochs(0, 0, (0,)).batch(5)) == len(Epochs(0, 4, (0,)).batch(5)) == 0


def test_every_item_is_drawn_after_so_many_steps() -> None:
    assert [Epochs(size, 4, (0,)).steps for size in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]


def test_torch_draws_by_seed_step_and_part() -> None:
    def draw(*numbers: int) -> float:
        seed_torch(*numbers)
        return torch.rand(1).item()

    assert draw(0, 5, 1) == draw(0, 5, 1)
    assert len({draw(0, 5, 1), draw(1, 5, 1), draw(0, 6, 1), draw(0, 5, 2)}) == 4
