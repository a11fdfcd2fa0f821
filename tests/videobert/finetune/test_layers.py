from __future__ import annotations

import numpy as np
import pytest
import torch

from videobert.finetune.layers import NAMED, LayerMix
from workfolder.errors import InputError

LAYERS = 5


@pytest.fixture
def states() -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(3, 4, 6, dtype=torch.float64) for _ in range(LAYERS + 1)]


def in_numpy(how: str, states: list[torch.Tensor]) -> np.ndarray:
    every = np.stack([state.numpy() for state in states])
    made = {
        "last": lambda: every[-1],
        "first": lambda: every[1],
        "max4": lambda: every[-4:].max(axis=0),
        "concat4": lambda: np.concatenate(list(every[-4:]), axis=-1),
        "mean4": lambda: every[-4:].mean(axis=0),
        "sum": lambda: every[1:].sum(axis=0),
        "weighted": lambda: every[1:].mean(axis=0),
    }
    return np.asarray(every[int(how)] if how.isdecimal() else made[how]())


@pytest.mark.parametrize("how", [*NAMED, "0", "3"])
def test_layers_are_mixed_as_numpy_does(how: str, states: list[torch.Tensor]) -> None:
    mix = LayerMix(how, LAYERS).double()
    mixed = mix(states)
    np.testing.assert_allclose(mixed.detach().numpy(), in_numpy(how, states), atol=1e-9)
    assert mixed.shape[-1] == 6 * mix.times


def test_one_large_weight_gives_that_layer_scaled(states: list[torch.Tensor]) -> None:
    mix = LayerMix("weighted", LAYERS).double()
    with torch.no_grad():
        assert mix.weights is not None and mix.scale is not None
        mix.weights[2], mix.scale[0] = 1e3, 2.0
    torch.testing.assert_close(mix(states), 2 * states[3], atol=1e-9, rtol=0)


def test_learnt_weights_have_the_gradient_of_finite_differences(
    states: list[torch.Tensor],
) -> None:
    mix = LayerMix("weighted", LAYERS).double()
    assert mix.weights is not None and mix.scale is not None
    with torch.no_grad():
        mix.weights.copy_(torch.randn(LAYERS))

    def loss(weights: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        found = torch.func.functional_call(mix, {"weights": weights, "scale": scale}, (states,))
        return (found**2).sum()

    assert torch.autograd.gradcheck(loss, (mix.weights, mix.scale))


def test_layer_dropout_leaves_out_its_share_and_the_rest_adds_up_to_one() -> None:
    torch.manual_seed(0)
    mix = LayerMix("weighted", LAYERS, dropout=0.5).train()
    drawn = torch.stack([mix.shares() for _ in range(2000)])
    torch.testing.assert_close(drawn.sum(dim=1), torch.ones(2000))
    left_out = (drawn == 0).float().mean().item()
    assert left_out == pytest.approx(0.5 - 0.5**LAYERS, abs=0.02)  # all at once are none
    assert (mix.eval().shares() == 1 / LAYERS).all()


@pytest.mark.parametrize(("how", "layers"), [("concat4", 2), ("max4", 3), ("6", 5)])
def test_more_layers_than_there_are_cannot_be_read(how: str, layers: int) -> None:
    with pytest.raises(InputError, match=f"--layers {how}: the model has {layers} layers"):
        LayerMix(how, layers)
