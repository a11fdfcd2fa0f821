"""A smaller shape says what the larger one says, where nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM

from tokenization.vocabulary import Vocabulary
from videobert.compression.shapes import (
    least_important,
    with_heads,
    with_narrow_rows,
    with_one_layer,
)
from videobert.joint_network import JointNetwork
from videobert.networks import new_network, read_network
from videobert.plain_network import is_plain
from videobert.probes.importance import gated
from workfolder.errors import InputError
from workfolder.files import read_json

IDS = torch.randint(5, 70, (2, 9), generator=torch.Generator().manual_seed(0))
WIDTH = 128


def bert(layers: int = 3) -> JointNetwork:
    torch.manual_seed(0)
    network = new_network("tiny", "bert", Vocabulary(150, 50), 0, 48, 0.1, layers=layers).eval()
    with torch.no_grad():  # a new network's biases are all zero
        for weight in network.parameters():
            weight += 0.05 * torch.randn(weight.shape)
    return network


@torch.no_grad()
def said(network: JointNetwork) -> torch.Tensor:
    found = network(IDS, token_type_ids=torch.zeros_like(IDS))
    return torch.cat([found.prediction_logits.flatten(), found.alignment_logits.flatten()])


def test_the_least_important_heads_go_by_hand() -> None:
    importance = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.3], [0.01, 0.02, 0.03]])
    assert least_important(importance, 3 / 9, together=False) == [[0, 2], [0, 1, 2], [2]]
    assert least_important(importance, 4 / 9, together=False) == [[0, 2], [1, 2], [2]]
    assert least_important(importance, 1, together=False) == [[0], [1], [2]]
    assert least_important(importance, 1 / 3, together=True) == [[0, 1]] * 3  # means .37 .31 .28
    with pytest.raises(InputError, match=r"--heads 0.1 of 9 heads is none: give 0.11 or more"):
        least_important(importance, 0.1, together=False)


def test_a_pruned_head_is_a_closed_gate() -> None:
    network = bert()
    kept = [[1], [0, 1], [0]]
    gates = torch.tensor([[[0.0, 1.0]], [[1.0, 1.0]], [[1.0, 0.0]]])
    with gated(network, gates):
        closed = said(network)
    pruned = with_heads(network, kept)
    assert (said(pruned) - closed).abs().max() < 1e-5
    assert (said(pruned) - said(network)).abs().max() > 1e-3
    gone = 2 * 64 * (4 * WIDTH + 3)  # query, key, value with biases, and what mixes them
    assert network.num_parameters() - pruned.num_parameters() == gone


def test_equal_layers_give_equal_output_when_they_are_one() -> None:
    network = bert()
    layers = network.bert.encoder.layer
    for layer in layers[1:]:
        layer.load_state_dict(layers[0].state_dict())
    shared = with_one_layer(network)
    assert (said(shared) - said(network)).abs().max() < 1e-5
    of_one = sum(weight.numel() for weight in layers[0].parameters())
    assert network.num_parameters() - shared.num_parameters() == 2 * of_one
    assert len(shared.states(IDS)) == 4


def test_one_layer_is_the_mean() -> None:
    network = bert(2)
    first, second = (each.output.dense.weight for each in network.bert.encoder.layer)
    (mean,) = {each.output.dense.weight for each in with_one_layer(network).bert.encoder.layer}
    assert torch.allclose(mean, (first + second) / 2)


def test_the_error_of_narrow_rows_is_the_tail_of_the_singular_values() -> None:
    network = bert()
    rows = network.get_input_embeddings().weight.detach().double().numpy()
    values = np.linalg.svd(rows, compute_uv=False)
    narrow = with_narrow_rows(network, 32)
    with torch.no_grad():
        made = narrow.bert.embeddings.word_embeddings(torch.arange(201)).double().numpy()
    error, tail = np.linalg.norm(made - rows), np.sqrt(np.square(values[32:]).sum())
    assert error == pytest.approx(tail, rel=1e-5) and tail > 1
    fewer = 201 * (WIDTH - 32) - 32 * WIDTH
    assert network.num_parameters() - narrow.num_parameters() == fewer


def test_narrow_rows_lose_nothing_where_the_rows_have_no_more_directions() -> None:
    network = bert()
    with torch.no_grad():
        rows = network.get_input_embeddings().weight
        rows[:, 32:] = rows[:, :32] @ torch.randn(32, 96)
        rows[0] = 0  # padding
    narrow = with_narrow_rows(network, 32)
    assert (said(narrow) - said(network)).abs().max() < 1e-3
    decoder, own = narrow.get_output_embeddings(), narrow.get_input_embeddings()
    assert decoder.weight is own.weight and own.weight.shape == (201, 32)


def all_of_it(network: JointNetwork) -> JointNetwork:
    return with_narrow_rows(with_one_layer(with_heads(network, [[1]] * 3)), 32)


@pytest.mark.parametrize("int8", [False, True])
def test_every_class_reads_what_was_made_smaller_in_all_ways(tmp_path: Path, int8: bool) -> None:
    from videobert.whole_numbers import to_int8

    network = all_of_it(bert())
    if int8:
        to_int8(network)
    network.save_pretrained(tmp_path)
    read, missing = read_network(tmp_path)
    assert not missing and torch.equal(said(read), said(network))
    assert not is_plain(tmp_path, read_json(tmp_path / "config.json"))
    last = network.encode(IDS)
    alone, filling = (
        kind.from_pretrained(tmp_path).eval() for kind in (AutoModel, AutoModelForMaskedLM)
    )
    assert (alone(IDS).last_hidden_state - last).abs().max() < 1e-5
    assert (filling(IDS).logits - network.complete(last)).abs().max() < 1e-4


def test_what_was_made_smaller_so_before_is_refused_and_so_are_others() -> None:
    small, other = all_of_it(bert()), new_network("tiny", "roberta", Vocabulary(50, 20), 0, 48, 0.0)
    ways = [
        ("--heads", lambda network: with_heads(network, [[0], [0], [0]])),
        ("--share", with_one_layer),
        ("--embedding", lambda network: with_narrow_rows(network, 16)),
    ]
    for option, way in ways:
        with pytest.raises(InputError, match=f"{option}: the model was made smaller so before"):
            way(small)
        with pytest.raises(InputError, match=f"{option} is for a BERT, .* 'roberta'"):
            way(other)
    with pytest.raises(InputError, match="embeddings are 128 wide, give less"):
        with_narrow_rows(bert(), 128)
    with pytest.raises(InputError, match="equally many heads"):
        with_one_layer(with_heads(bert(), [[0], [0, 1], [1]]))


def test_what_does_not_learn_does_not_learn_in_a_smaller_shape() -> None:
    network = bert()
    for name, weight in network.named_parameters():
        weight.requires_grad = not name.startswith(network.judges)
    small = all_of_it(network)
    still = {name for name, weight in small.named_parameters() if not weight.requires_grad}
    assert still and all(name.startswith(small.judges) for name in still)
