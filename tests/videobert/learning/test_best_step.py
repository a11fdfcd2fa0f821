"""The best weights are kept; too many validations in a row without a better loss are hopeless."""

from __future__ import annotations

import json

import torch

from videobert.learning.best_step import Watch


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"a": torch.full((2,), value)}


def looked(watch: Watch, losses: list[float | None], first: int = 1) -> list[bool]:
    hopeless = []
    for step, loss in enumerate(losses, first):
        watch.look(step, loss, weights(step))
        hopeless.append(watch.hopeless)
    return hopeless


def test_the_best_step_and_its_weights_stay() -> None:
    watch = Watch(2)
    assert looked(watch, [3.0, 2.0, 2.0, 1.5, 1.6]) == [False] * 5
    assert watch.best_step == 4 and watch.best_weights["a"].tolist() == [4, 4]


def test_patience_ends_after_as_many_worse_ones_in_a_row() -> None:
    assert looked(Watch(2), [3.0, 3.0, 2.0, 2.1, 2.0]) == [False, False, False, False, True]


def test_weights_are_copied() -> None:
    watch, given = Watch(1), weights(1)
    watch.look(1, 1.0, given)
    given["a"].zero_()
    assert watch.best_weights["a"].tolist() == [1, 1]


def test_without_a_loss_the_last_weights_are_the_best() -> None:
    watch = Watch(1)
    assert looked(watch, [None, None, None]) == [False] * 3
    assert watch.best_step == 3 and watch.best_weights["a"].tolist() == [3, 3]


def test_it_goes_on_from_its_state() -> None:
    losses = [3.0, 2.0, 2.5, 2.4, 1.0, 1.1, 1.2, 1.3]
    whole, early, late = Watch(3), Watch(3), Watch(3)
    found = looked(whole, losses)
    assert looked(early, losses[:4]) == found[:4]
    late.load_state(json.loads(json.dumps(early.state())), early.tensors())
    assert looked(late, losses[4:], first=5) == found[4:]
    assert late.best_step == whole.best_step == 5
