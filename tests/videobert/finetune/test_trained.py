from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import BertConfig, BertModel

from videobert.finetune.trained import set_trained, switched_off

WIDTH, LAYERS, RANK, NARROW = 16, 3, 2, 4


def layer_states(
    encoder: torch.nn.Module, given: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    return encoder(**given, output_hidden_states=True).hidden_states


@pytest.fixture
def encoder() -> BertModel:
    torch.manual_seed(0)
    shape = {"num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": 32}
    return BertModel(BertConfig(vocab_size=40, hidden_size=WIDTH, **shape)).double().eval()


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    ids = torch.arange(20).view(2, 10)
    return {name: ids % most for name, most in (("input_ids", 40), ("token_type_ids", 2))} | {
        "attention_mask": torch.ones_like(ids)
    }


@pytest.mark.parametrize("what", [f"adapter:{NARROW}", f"lora:{RANK}"])
def test_what_is_put_in_changes_nothing_at_the_start(
    encoder: BertModel, inputs: dict[str, torch.Tensor], what: str
) -> None:
    before = layer_states(encoder, inputs)
    set_trained(encoder, what)
    for old, new in zip(before, layer_states(encoder.double(), inputs), strict=True):
        torch.testing.assert_close(new, old, atol=1e-9, rtol=0)


@pytest.mark.parametrize("what", [f"adapter:{NARROW}", f"lora:{RANK}"])
def test_what_learnt_can_be_switched_off_and_on(
    encoder: BertModel, inputs: dict[str, torch.Tensor], what: str
) -> None:
    before = layer_states(encoder, inputs)
    set_trained(encoder, what)
    encoder.double()
    for weight in encoder.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight)
    learnt = layer_states(encoder, inputs)
    with switched_off(encoder):
        off = layer_states(encoder, inputs)
    assert all(torch.equal(*each) for each in zip(off, before, strict=True))
    on = layer_states(encoder, inputs)
    assert all(torch.equal(*each) for each in zip(on, learnt, strict=True))
    assert not any(torch.equal(*each) for each in zip(learnt[1:], before[1:], strict=True))


def test_there_are_two_adapters_a_layer_and_the_norms_learn(encoder: BertModel) -> None:
    set_trained(encoder, f"adapter:{NARROW}")
    learns = {name: w.numel() for name, w in encoder.named_parameters() if w.requires_grad}
    adapters = sum(count for name, count in learns.items() if "adapter" in name)
    assert adapters == 2 * LAYERS * (2 * WIDTH * NARROW + NARROW + WIDTH)
    norms = sum(count for name, count in learns.items() if "LayerNorm" in name)
    assert norms == (1 + 2 * LAYERS) * 2 * WIDTH and adapters + norms == sum(learns.values())


def test_an_adapter_adds_what_its_formula_says(
    encoder: BertModel, inputs: dict[str, torch.Tensor]
) -> None:
    set_trained(encoder, f"adapter:{NARROW}")
    adapter = encoder.encoder.layer[0].output.dense.adapter.double()
    torch.nn.init.normal_(adapter.up.weight)
    states = torch.randn(5, WIDTH, dtype=torch.float64)
    narrow = states @ adapter.down.weight.T + adapter.down.bias
    gelu = narrow * (1 + torch.erf(narrow / 2**0.5)) / 2
    expected = states + gelu @ adapter.up.weight.T + adapter.up.bias
    torch.testing.assert_close(adapter(states), expected, atol=1e-9, rtol=0)


def test_lora_is_pefts(encoder: BertModel, inputs: dict[str, torch.Tensor]) -> None:
    plain = deepcopy(encoder)
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=["query", "value"])
    theirs = get_peft_model(deepcopy(encoder), config).double().eval()
    set_trained(encoder, f"lora:{RANK}")
    ours = dict(encoder.double().eval().named_parameters())
    with torch.no_grad():
        for name, weight in get_peft_model_state_dict(theirs).items():
            drawn = torch.randn_like(weight)
            own = name.removeprefix("base_model.model.").replace(".weight", ".default.weight")
            ours[own].copy_(drawn)
            weight.copy_(drawn)
    learns = {name for name, weight in ours.items() if weight.requires_grad}
    assert len(learns) == 4 * LAYERS and all("lora_" in name for name in learns)
    expected = layer_states(theirs.base_model.model, inputs)
    for mine, other in zip(layer_states(encoder, inputs), expected, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-9, rtol=0)

    with torch.no_grad():  # and W + (alpha / r) B A
        for layer in range(LAYERS):
            for part in ("query", "value"):
                stem = f"encoder.layer.{layer}.attention.self.{part}"
                up, down = (ours[f"{stem}.lora_{side}.default.weight"] for side in "BA")
                dict(plain.named_parameters())[f"{stem}.weight"].add_(2 * up @ down)
    for mine, merged in zip(
        layer_states(encoder, inputs), layer_states(plain, inputs), strict=True
    ):
        torch.testing.assert_close(mine, merged, atol=1e-9, rtol=0)
