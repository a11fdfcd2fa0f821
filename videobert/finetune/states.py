"""The one door to the network: the states of all its layers, and what they hang on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from videobert.joint_network import JointNetwork
from videobert.orders import MASKED
from workfolder.errors import InputError


def layer_states(
    network: JointNetwork, inputs: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Run a network and return what each of its layers makes.

    Args:
        network: of any family.
        inputs: input_ids, token_type_ids and attention_mask, each int64 [rows, length].

    Returns:
        What goes into the first layer, then what comes out of each, each [rows, length, width].
    """
    return network.states(**inputs)


def freeze_heads(network: JointNetwork) -> None:
    """Let nothing learn that the states do not hang on: the heads of pre-training."""
    ids = torch.zeros(1, 2, dtype=torch.int64, device=network.device)
    inputs = {name: ids for name in ("input_ids", "token_type_ids")}
    learning = network.training
    network.eval()
    mask = torch.ones_like(ids)
    layer_states(network, {**inputs, "attention_mask": mask})[-1].square().sum().backward()
    network.train(learning)
    for weight in network.parameters():
        weight.requires_grad_(weight.grad is not None)
        weight.grad = None


def judging_layers(network: JointNetwork) -> list[nn.Linear]:
    """Return the dense layers of the alignment head, from [CLS] to its two classes."""
    return [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and f"{name}.".startswith(network.judges)
    ]


def refuse_if_it_fills_no_masks(network: JointNetwork, what: str) -> None:
    """Refuse a network that did not learn to find hidden words.

    Raises:
        InputError: if so; ``what`` begins the message, such as "--completion-weight hides words".
    """
    if network.config.objective != MASKED:
        raise InputError(
            f"{what}, and the model learnt with --objective {network.config.objective}: leave it "
            "out"
        )
