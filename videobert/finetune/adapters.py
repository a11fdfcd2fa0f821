"""Bottleneck adapters (Houlsby et al., 2019, "Parameter-Efficient Transfer Learning for NLP").

h + W_up gelu(W_down h), after attention and after feed-forward of each layer, before what the layer
adds them to. W_up is 0 at the start, so the network begins as it was. LayerNorms learn, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

from workfolder.errors import InputError

BEGAN = "began_"
"""Begins the names of the buffers of what a LayerNorm was."""


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
    """A dense layer with an adapter behind it.

    Attributes:
        on: whether the adapter is run.
    """

    def __init__(self, dense: nn.Linear, narrow: int) -> None:
        super().__init__()
        self.dense, self.adapter = dense, Adapter(dense.out_features, narrow)
        self.on = True

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Run both, or the dense layer alone."""
        states = self.dense(states)
        return self.adapter(states) if self.on else states


def add_adapters(encoder: nn.Module, narrow: int) -> None:
    """Put adapters behind the two dense layers that end the halves of each layer of a BERT.

    They alone and the LayerNorms learn. Each LayerNorm keeps what it was in a buffer, which is not
    saved, so that ``adapters_off`` can go back.

    Args:
        encoder: its layers have ``attention.output.dense`` and ``output.dense``.
        narrow: the width of a bottleneck.

    Raises:
        InputError: if it has no such layers.
    """
    norms = [module for module in encoder.modules() if _learns(module)]
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
    for norm in norms:
        for place, weight in enumerate(norm.parameters()):
            norm.register_buffer(f"{BEGAN}{place}", weight.detach().clone(), persistent=False)
            weight.requires_grad_(True)


def _learns(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) and any(w.requires_grad for w in module.parameters())


@contextmanager
def adapters_off(encoder: nn.Module) -> Iterator[None]:
    """Run an encoder without its adapters, and with the LayerNorms that it had before."""
    adapted = [module for module in encoder.modules() if isinstance(module, Adapted)]
    norms = [
        (weight, module.get_buffer(f"{BEGAN}{place}"), weight.detach().clone())
        for module in encoder.modules()
        if isinstance(module, nn.LayerNorm) and hasattr(module, f"{BEGAN}0")
        for place, weight in enumerate(module.parameters())
    ]
    for each in adapted:
        each.on = False
    for weight, began, _ in norms:
        weight.data.copy_(began)
    try:
        yield
    finally:
        for each in adapted:
            each.on = True
        for weight, _, learnt in norms:
            weight.data.copy_(learnt)
