"""Whole numbers: by hand, near the real ones in every family, and the same from the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from tokenization.vocabulary import Vocabulary
from videobert.learning.trained import choose_trained
from videobert.model_sizes import FAMILIES
from videobert.networks import new_network, read_network
from videobert.whole_numbers import Int8Embedding, Int8Linear, numbers_of, to_int8, whole
from workfolder.errors import InputError


def test_whole_numbers_by_hand() -> None:
    weight, scale = whole(torch.tensor([[2.54, -1.26, 0.011], [0.0, 0.0, 0.0]]))
    assert weight.tolist() == [[127, -63, 1], [0, 0, 0]]
    assert scale[0].item() == pytest.approx(0.02)


def test_a_product_of_whole_numbers_by_hand() -> None:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.27, 0.5], [-12.7, 6.3]]))
        layer.bias.copy_(torch.tensor([1.0, -1.0]))
    # Scales .01 and .1: [127, 50], [-127, 63]. The state has the scale .02: [127, -10].
    found = Int8Linear(layer)(torch.tensor([[[2.54, -0.2]]]))
    first, second = 127 * 127 - 50 * 10, -127 * 127 - 63 * 10
    expected = [first * 0.01 * 0.02 + 1, second * 0.1 * 0.02 - 1]
    assert found.shape == (1, 1, 2) and found.flatten().tolist() == pytest.approx(expected)


def test_gradients_pass_as_through_the_numbers_that_they_stand_for() -> None:
    torch.manual_seed(0)
    layer = Int8Linear(nn.Linear(8, 4))
    states = torch.randn(3, 8, requires_grad=True)
    layer(states).sum().backward()
    real = layer.weight * layer.scale[:, None]
    assert torch.allclose(states.grad, real.sum(dim=0).expand(3, 8))
    assert torch.allclose(
        layer(states.detach()), functional.linear(states, real, layer.bias), atol=0.05
    )


def test_nothing_asked_is_nothing_said() -> None:
    assert Int8Linear(nn.Linear(8, 4))(torch.zeros(0, 8)).shape == (0, 4)
    rows = torch.tensor([[1.0, 0.5], [3.0, -3.0]])
    assert torch.allclose(Int8Embedding(rows)(torch.tensor([[1, 0]])), rows[[1, 0]], atol=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_says_nearly_the_same_and_is_read_again(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = new_network("tiny", family, Vocabulary(300, 100), 0, 48, 0.0).eval()
    ids, types = torch.randint(5, 400, (2, 9)), torch.zeros(2, 9, dtype=torch.long)
    real = network(ids, token_type_ids=types)
    count = sum(weight.numel() for weight in network.parameters())
    to_int8(network)
    found = network(ids, token_type_ids=types)
    for name in ("prediction_logits", "alignment_logits"):
        one, other = (getattr(each, name).flatten() for each in (real, found))
        assert functional.cosine_similarity(one, other, dim=0) > 0.999
    assert numbers_of(network) == count
    network.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_size < 0.35 * 4 * count
    read, missing = read_network(tmp_path)
    assert not missing
    again = read(ids, token_type_ids=types)
    assert torch.equal(again.prediction_logits, found.prediction_logits)


def test_whole_numbers_do_not_learn() -> None:
    network = new_network("tiny", "bert", Vocabulary(300, 100), 0, 48, 0.0)
    to_int8(network)
    for what in ("all", "top:1"):
        with pytest.raises(InputError, match=f"--train {what}: the model is of whole numbers"):
            choose_trained(network, what)
    choose_trained(network, "norms")
    assert any(weight.requires_grad for weight in network.parameters())
