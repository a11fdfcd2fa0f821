"""How much the loss hangs on each head: the gradient of a gate on what the head says.

Michel et al. (2019), "Are Sixteen Heads Really Better than One?": the mean over examples of
``|dL / dxi|`` at xi = 1, divided by the length of its layer's vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from videobert.inference import in_batches
from videobert.joint_network import JointNetwork
from videobert.loading import TrainedModel
from videobert.probes.states import is_sign
from videobert.sequences import Ids

HIDDEN = 0.15
"""Share of words and clips that are hidden (Devlin et al., 2019); one at least."""


@dataclass(frozen=True)
class Importance:
    """How much the loss of filling masks hangs on each head.

    Attributes:
        heads: by layer and head, 0 to 1; the squares of a layer sum to 1.
        raw: the same before it is divided, in nats.
    """

    heads: list[list[float]]
    raw: list[list[float]]

    def __str__(self) -> str:
        raw = np.array(self.raw)
        most, least = (
            np.unravel_index(at, raw.shape) for at in (int(raw.argmax()), int(raw.argmin()))
        )
        return (
            f"The loss hangs most on head {most[1]} of layer {most[0] + 1} ({raw.max():.2g} nats), "
            f"least on head {least[1]} of layer {least[0] + 1} ({raw.min():.2g})."
        )


@contextmanager
def gated(network: JointNetwork, gates: torch.Tensor) -> Iterator[None]:
    """Multiply what each head says by a gate, before the layer mixes its heads.

    Args:
        network: a BERT.
        gates: [layers, rows, heads]; rows may be 1, for gates that all rows share.
    """
    bert: Any = network
    layers = bert.bert.encoder.layer

    def hook(layer: int) -> Any:
        def multiply(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
            (said,) = inputs  # [rows, length, heads * head's width]
            heads = said.unflatten(-1, (gates.shape[-1], -1))
            return (heads * gates[layer][:, None, :, None]).flatten(-2)

        return multiply

    handles = [
        each.attention.output.dense.register_forward_pre_hook(hook(number))
        for number, each in enumerate(layers)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def row_losses(
    network: JointNetwork, inputs: dict[str, torch.Tensor], truth: torch.Tensor
) -> torch.Tensor:
    """Return each row's mean cross entropy of its hidden ids in nats, [rows].

    Args:
        network: asked.
        inputs: with masks, each [rows, length].
        truth: int64 [rows, length], -1 where nothing is hidden.
    """
    hidden = truth >= 0
    logits = network(**inputs, predict_at=hidden).prediction_logits
    losses = functional.cross_entropy(logits, truth[hidden], reduction="none")
    row = torch.nonzero(hidden)[:, 0]
    sums = torch.zeros(len(truth), dtype=losses.dtype, device=losses.device)
    return sums.index_add(0, row, losses) / hidden.sum(dim=1).clamp_min(1)


def gate_gradients(
    network: JointNetwork, inputs: dict[str, torch.Tensor], truth: torch.Tensor
) -> torch.Tensor:
    """Return the gradient of each row's loss by each gate, [layers, rows, heads]."""
    config = network.config
    shape = config.num_hidden_layers, len(truth), config.num_attention_heads
    gates = torch.ones(shape, dtype=network.dtype, device=truth.device, requires_grad=True)
    with gated(network, gates), torch.enable_grad():
        # Rows do not see each other, so the gradient of the sum is that of each row.
        total = row_losses(network, inputs, truth).sum()
        (found,) = torch.autograd.grad(total, gates)
    return found


def measure_importance(
    model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids], seed: int = 0
) -> Importance:
    """Measure every head on rows of which some words and clips are hidden.

    Args:
        model: a BERT that fills masks.
        texts: ids of each row's text.
        visual: visual words of each row.
        seed: draws what is hidden.
    """
    rng, network = np.random.default_rng(seed), model.network
    total, rows = np.zeros(()), 0
    for batch in in_batches(model, texts, visual):
        ids, usable = batch.inputs["input_ids"], ~is_sign(batch)
        drawn = np.where(usable, rng.random(ids.shape), np.inf)
        hidden = usable & ((drawn < HIDDEN) | (drawn == drawn.min(axis=1, keepdims=True)))
        inputs = batch.inputs | {
            "input_ids": np.where(hidden, model.processor.tokenizer.mask_token_id, ids)
        }
        there = {n: torch.from_numpy(array).to(network.device) for n, array in inputs.items()}
        truth = torch.from_numpy(np.where(hidden, ids, -1)).to(network.device)
        found = gate_gradients(network, there, truth).abs().sum(dim=1)
        total, rows = total + found.double().cpu().numpy(), rows + len(ids)
    raw = total / rows
    length = np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-30)
    return Importance((raw / length).tolist(), raw.tolist())
