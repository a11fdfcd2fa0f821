"""Bottleneck adapters (Houlsby et al., 2019, "Parameter-Efficient Transfer Learning for NLP").

h + W_up gelu(W_down h), after attention and after feed-forward of each layer, before what the layer
adds them to. W_up is 0 at the start, so the network begins as it was. LayerNorms learn, too.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from workfolder.errors import InputError


class Adapter(nn.Module):
    """One bottleneck."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.normal_(self.down.weight, std=1e-2)
        for weight in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(weight)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Change the states, [..., width]."""
        return states + self.up(functional.gelu(self.down(states)))


class Adapted(nn.Module):
    """A dense layer with an adapter behind it."""

    def __init__(self, dense: nn.Linear, narrow: int) -> None:
        super().__init__()
        self.dense, self.adapter = dense, Adapter(dense.out_features, narrow)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Run both."""
        changed: torch.Tensor = self.adapter(self.dense(states))
        return changed


def add_adapters(encoder: nn.Module, narrow: int) -> None:
    """Put adapters behind the two dense layers that end the halves of each layer of a BERT.

    They alone and the LayerNorms learn.

    Args:
        encoder: its layers have ``attention.output.dense`` and ``output.dense``.
        narrow: the width of a bottleneck.

    Raises:
        InputError: if it has no such layers.
    """
    norms = [
        weight
        for module in encoder.modules()
        if isinstance(module, nn.LayerNorm)
        for weight in module.parameters()
        if weight.requires_grad
    ]
    encoder.requires_grad_(False)
    ends = [
        module
        for name, module in encoder.named_modules()
        if name.endswith(".output") and isinstance(getattr(module, "dense", None), nn.Linear)
    ]
    if not ends:
        raise InputError("--train adapter does not fit this network: give all, lora or norms")
    for end in ends:
        assert isinstance(end.dense, nn.Linear)
        end.dense = Adapted(end.dense, narrow)
    for weight in norms:
        weight.requires_grad_(True)
