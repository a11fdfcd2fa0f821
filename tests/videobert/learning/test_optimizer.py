from __future__ import annotations

import math

import pytest
import torch

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.learning.optimizer import MOST_GRADIENT, MasterOptimizer
from videobert.modeling_videobert import VideoBertForPreTraining

RATE = 1e-3


def layer(dtype: torch.dtype = torch.float32) -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3, dtype=dtype)


def give(model: torch.nn.Module, gradient: float) -> None:
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, gradient)


def kept(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def test_it_is_torchs_adamw_without_decay_of_biases() -> None:
    ours, theirs = layer(), layer()
    adamw = MasterOptimizer(ours, RATE, weight_decay=0.1)
    plain = torch.optim.AdamW(
        [
            {"params": [theirs.weight], "weight_decay": 0.1},
            {"params": [theirs.bias], "weight_decay": 0.0},
        ],
        lr=RATE,
    )
    for step in range(5):
        for model in (ours, theirs):
            give(model, 0.01 * (step + 1))
        adamw.step(0.5)
        for group in plain.param_groups:
            group["lr"] = RATE / 2
        plain.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-7)


def test_the_norm_is_told_and_cut() -> None:
    small, large = layer(), layer()
    one, other = MasterOptimizer(small, RATE, 0.0), MasterOptimizer(large, RATE, 0.0)
    for gradient in (
        1.0,
        0.001,
    ):  # AdamW does not mind the size of one gradient, but of the next beside it
        give(small, min(gradient, MOST_GRADIENT / math.sqrt(15)))
        give(large, 1000 * gradient if gradient == 1.0 else gradient)
        norms = one.step(1.0), other.step(1.0)
        assert norms[1] == pytest.approx(
            math.sqrt(15) * (1000 if gradient == 1.0 else gradient), rel=1e-5
        )
    for mine, theirs in zip(small.parameters(), large.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_gradient_that_is_no_number_changes_no_weight(bad: float, dtype: torch.dtype) -> None:
    model = layer()
    adamw = MasterOptimizer(model, RATE, 0.1, dtype=dtype)
    before = kept(model)
    give(model, 1.0)
    model.weight.grad[0, 0] = bad
    assert not math.isfinite(adamw.step(1.0))
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters())
    assert all(weight.grad is None for weight in model.parameters())


def test_updates_too_small_for_bf16_add_up() -> None:
    model = layer()
    with torch.no_grad():
        model.weight.fill_(1.0)
    adamw = MasterOptimizer(model, 1e-4, 0.0, dtype=torch.bfloat16)
    assert torch.tensor(1.0, dtype=torch.bfloat16) - 1e-4 == 1.0  # rounded away
    for _ in range(100):
        give(model, 0.1)
        adamw.step(1.0)
    assert torch.allclose(adamw.masters["weight"], torch.tensor(0.99), atol=1e-5)
    assert torch.equal(model.weight, torch.full((3, 4), 0.99, dtype=torch.bfloat16))


@pytest.mark.parametrize("piece", [5, 16, 1000])
@pytest.mark.parametrize("gradient", [0.01, 10.0])
def test_a_piece_at_a_time_is_all_at_once(
    piece: int, gradient: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videobert.learning.piecewise.PIECE", piece)
    model, masters = layer(), list(layer().parameters())
    adamw = MasterOptimizer(model, RATE, 0.1, dtype=torch.bfloat16)
    decays = [{"params": [master], "weight_decay": 0.1 * (master.ndim > 1)} for master in masters]
    plain = torch.optim.AdamW(decays, lr=RATE)
    for step in range(6):
        model.weight.grad = torch.arange(12, dtype=torch.bfloat16).view(3, 4) * gradient
        model.bias.grad = None if step == 2 else torch.ones(3, dtype=torch.bfloat16) * gradient
        for weight, master in zip(model.parameters(), masters, strict=True):
            master.grad = None if weight.grad is None else weight.grad.float()
        norm = torch.nn.utils.clip_grad_norm_(masters, MOST_GRADIENT)
        plain.step()
        assert adamw.step(1.0) == pytest.approx(norm.item(), rel=1e-6)
    for mine, master, weight in zip(
        adamw.masters.values(), masters, model.parameters(), strict=True
    ):
        assert torch.allclose(mine, master, atol=1e-6)
        assert torch.equal(mine.bfloat16(), weight)


def test_filled_with_its_masters_a_bf16_model_is_an_fp32_one() -> None:
    model = layer()
    adamw = MasterOptimizer(model, 1e-4, 0.0, dtype=torch.bfloat16)
    give(model, 0.1)
    adamw.step(1.0)
    masters = {name: master.clone() for name, master in adamw.masters.items()}
    adamw.fill(model)
    assert all(
        torch.equal(masters[name], weight) and weight.dtype == torch.float32
        for name, weight in model.named_parameters()
    )


def bert() -> VideoBertForPreTraining:
    torch.manual_seed(0)
    return VideoBertForPreTraining(VideoBertConfig.of_size("tiny", Vocabulary(40, 9)))


def test_a_layer_learns_slower_than_the_one_above_it() -> None:
    model = bert()
    before, adamw = kept(model), MasterOptimizer(model, RATE, 0.0, layer_decay=0.5)
    give(model, 0.01)
    adamw.step(1.0)
    moved = {
        name: (before[name] - weight).abs().mean().item() / RATE
        for name, weight in model.named_parameters()
    }
    shares = {
        "cls.predictions.transform.dense.weight": 1.0,
        "cls.seq_relationship.weight": 1.0,
        "bert.pooler.dense.weight": 1.0,
        "bert.encoder.layer.1.output.dense.weight": 0.5,
        "bert.encoder.layer.0.attention.self.query.bias": 0.25,
        "bert.embeddings.word_embeddings.weight": 0.125,
        "bert.embeddings.LayerNorm.weight": 0.125,
    }
    assert {name: moved[name] for name in shares} == pytest.approx(shares, rel=1e-2)


def test_frozen_weights_are_left_alone_and_have_no_moments() -> None:
    model = bert()
    model.get_input_embeddings().weight.requires_grad = False
    before, adamw = kept(model), MasterOptimizer(model, RATE, 0.1)
    for _, weight in model.named_parameters():
        weight.grad = torch.ones_like(weight) if weight.requires_grad else None
    adamw.step(1.0)
    same = [name for name, weight in model.named_parameters() if torch.equal(before[name], weight)]
    assert same == ["bert.embeddings.word_embeddings.weight"]
    assert f"weight/{same[0]}" in dict(adamw.state()) and f"exp_avg/{same[0]}" not in dict(
        adamw.state()
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_goes_on_from_its_state_bit_for_bit(dtype: torch.dtype) -> None:
    model, other = layer(), layer()
    first = MasterOptimizer(model, RATE, 0.1, dtype=dtype)
    for step in range(6):
        if step == 3:
            second = MasterOptimizer(other, RATE, 0.1, dtype=dtype)
            second.load_state(
                {name: tensor.clone() for name, tensor in first.state().items()}, steps=3
            )
        for learner in (model, other) if step >= 3 else (model,):
            give(learner, 0.1 * (step + 1) ** 2)
        first.step(0.3)
        if step >= 3:
            second.step(0.3)
    assert all(
        torch.equal(mine, theirs)
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True)
    )
    assert all(torch.equal(first.masters[name], second.masters[name]) for name in first.masters)
