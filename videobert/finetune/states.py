"""The one door to the network: the states of all its layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


def layer_states(
    encoder: nn.Module, inputs: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Run an encoder and return what each of its layers makes.

    Args:
        encoder: ``VideoBertForPreTraining.bert``.
        inputs: input_ids, token_type_ids and attention_mask, each int64 [rows, length].

    Returns:
        The embeddings, then the states of each layer, each [rows, length, width].
    """
    found: tuple[torch.Tensor, ...] = encoder(**inputs, output_hidden_states=True).hidden_states
    return found
