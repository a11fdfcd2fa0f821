"""Our LAMB takes the steps of pytorch_optimizer's."""

from __future__ import annotations

import pytest
import torch

from videobert.learning.choices import LAMB
from videobert.learning.lamb import Lamb
from videobert.learning.optimizer import MasterOptimizer

RATE, DECAY, STEPS = 0.01, 0.1, 10


def layer() -> torch.nn.Sequential:
    """Its bias begins at 0, where the ratio of norms is 1."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 3))
    torch.nn.init.zeros_(model[1].bias)
    return model.double()


def learn(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    draws = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        inputs = torch.randn(8, 6, generator=draws, dtype=torch.float64)
        model(inputs).square().sum().backward()
        optimizer.step()


def test_ten_steps_are_those_of_pytorch_optimizer() -> None:
    theirs = pytest.importorskip("pytorch_optimizer").Lamb
    one, other = layer(), layer()
    learn(one, Lamb([{"params": one.parameters(), "weight_decay": DECAY}], RATE))
    coupled = {"weight_decay": DECAY, "weight_decouple": False, "adam_debias": True}
    learn(other, theirs(other.parameters(), lr=RATE, **coupled))
    assert not torch.equal(layer()[0].weight, one[0].weight)
    for mine, their in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, their, rtol=0, atol=1e-6)


def test_a_step_is_as_long_as_the_weights_times_the_rate() -> None:
    model = layer()
    before = model[0].weight.detach().clone()
    model(torch.ones(1, 6, dtype=torch.float64)).sum().backward()
    Lamb([{"params": model.parameters(), "weight_decay": 0.0}], RATE).step()
    moved = (model[0].weight - before).norm() / before.norm()
    assert moved.item() == pytest.approx(RATE, rel=1e-4)


def test_it_goes_on_from_its_state_bit_for_bit() -> None:
    models = [layer() for _ in range(2)]
    first, second = (
        MasterOptimizer(each, RATE, DECAY, dtype=torch.float64, kind=LAMB) for each in models
    )
    for step in range(6):
        if step == 3:
            second.load_state({name: each.clone() for name, each in first.state().items()}, 3)
        for model, optimizer in zip(models, (first, second), strict=True):
            for weight in model.parameters():
                weight.grad = torch.full_like(weight, 0.01 * (step + 1) ** 2)
            if optimizer is first or step >= 3:
                optimizer.step(0.5)
    assert all(map(torch.equal, models[0].parameters(), models[1].parameters()))
