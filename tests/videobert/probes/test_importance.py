"""Importance of heads: the gradients are those of finite differences, and a closed gate is a head
that says nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.toys.model import SENTENCES, toy_model
from videobert.probes.importance import gate_gradients, gated, measure_importance, row_losses

STEP = 1e-5


def test_gradients_of_gates_are_finite_differences() -> None:
    model = toy_model(SENTENCES * 2)
    network = model.network.double()
    texts = model.processor.text_ids(["fry the onion", "boil the egg"])
    inputs = model.processor.inputs(texts, [[1, 2], [3, 4]], 64)
    truth = torch.full_like(inputs["input_ids"], -1)
    for place in (1, 6):
        truth[:, place] = inputs["input_ids"][:, place]
        inputs["input_ids"][:, place] = model.processor.tokenizer.mask_token_id
    found = gate_gradients(network, inputs, truth)
    for layer, row, head in np.ndindex(*found.shape):
        around = []
        for step in (-STEP, STEP):
            gates = torch.ones_like(found)
            gates[layer, row, head] += step
            with gated(network, gates), torch.no_grad():
                around.append(row_losses(network, inputs, truth)[row].item())
        difference = (around[1] - around[0]) / (2 * STEP)
        assert found[layer, row, head].item() == pytest.approx(difference, abs=1e-8)
    assert found.abs().min() > 1e-6  # there is something to agree about


def test_a_closed_gate_is_a_head_without_weights() -> None:
    model = toy_model(SENTENCES * 2)
    config, network = model.network.config, model.network
    inputs = model.processor(["fry the onion"], [[1, 2]], 64)
    gates = torch.ones(config.num_hidden_layers, 1, config.num_attention_heads)
    gates[1, :, 0] = 0
    with torch.no_grad():
        with gated(network, gates):
            closed = network.encode(**inputs)
        width = config.hidden_size // config.num_attention_heads
        network.bert.encoder.layer[1].attention.output.dense.weight[:, :width] = 0
        assert (network.encode(**inputs) - closed).abs().max() < 1e-5


def test_the_squares_of_each_layer_sum_to_one() -> None:
    model = toy_model(SENTENCES * 2)
    texts = model.processor.text_ids(["fry the onion", "boil the egg"])
    found = measure_importance(model, texts, [[1, 2], [3]])
    assert np.square(found.heads).sum(axis=1) == pytest.approx([1, 1])
    assert np.min(found.raw) > 0
    assert all(weight.grad is None for weight in model.network.parameters())
