"""A network in whole numbers of 8 bits: a quarter of the bytes, and faster on a CPU.

Each row of a matrix has one scale, and so has each row of an embedding. What goes into a matrix is
brought to whole numbers as it comes, each state with a scale of its own (dynamic quantisation, as
torchao's Int8DynamicActivationInt8Weight). LayerNorms, biases and the alignment head stay.

``torch._int_mm`` is private, and nothing public is as good. At BERT-base's size, with one thread of
an AMD EPYC and torch 2.15, fp32 takes 1,048 ms for 8 rows of 64 ids and 101 ms for one of 24. This
takes 351 and 45, at a cosine of the logits of .9995. torchao 0.18 takes 555 and 191, at .9995.
``torch.ao.quantization.quantize_dynamic`` takes 334 and 30, at .9988, leaves embeddings as they
are, and is to be removed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

MOST = 127
KEPT = {"pooler", "seq_relationship", "alignment", "boundary", "turns"}
"""Modules that stay as they are: heads of tasks begin with the weights of the alignment head."""


def whole(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Bring each row of a matrix to whole numbers from -127 to 127.

    Args:
        numbers: float [rows, width].

    Returns:
        int8 [rows, width] and the scale of each row, float [rows]; the product is near the numbers.
    """
    scale = numbers.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / MOST
    return (numbers / scale[:, None]).round_().to(torch.int8), scale


def times(
    states: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Multiply states by a matrix in whole numbers, as ``functional.linear`` does.

    On a CPU the product is one of whole numbers. Elsewhere, and where a gradient is wanted, the
    matrix is made of real numbers again.

    Args:
        states: float [..., inputs].
        weight: int8 [outputs, inputs].
        scale: float [outputs].
        bias: float [outputs], or none.
    """
    if states.device.type != "cpu" or states.requires_grad:
        return functional.linear(states, weight.to(states.dtype) * scale[:, None], bias)
    shape = (*states.shape[:-1], len(weight))
    if not states.numel():
        return states.new_zeros(shape)
    rows, own = whole(states.reshape(-1, states.shape[-1]))
    found = torch._int_mm(rows, weight.t()).to(states.dtype)
    found.mul_(own[:, None]).mul_(scale)
    return (found if bias is None else found.add_(bias)).reshape(shape)


class Int8Embedding(nn.Module):
    """Rows in whole numbers.

    Attributes:
        weight: int8 [rows, width].
        scale: float32 [rows].
    """

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, numbers: torch.Tensor) -> None:
        super().__init__()
        weight, scale = whole(numbers.detach())
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Look rows up, float [..., width]."""
        return self.weight[ids] * self.scale[ids][..., None]


class Int8Linear(Int8Embedding):
    """A linear layer in whole numbers."""

    bias: nn.Parameter | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.weight)
        self.register_parameter("bias", layer.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """See ``times``."""
        return times(states, self.weight, self.scale, self.bias)


class Int8Decoder(nn.Module):
    """The last layer of a masked head whose rows are those of the embeddings."""

    bias: nn.Parameter | None

    def __init__(self, rows: Int8Embedding, bias: nn.Parameter) -> None:
        super().__init__()
        self._rows = (rows,)  # in a tuple, as it belongs to the embeddings
        self.register_parameter("bias", bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """See ``times``."""
        (rows,) = self._rows
        return times(states, rows.weight, rows.scale, self.bias)


def to_int8(network: Any) -> None:
    """Bring a network's matrices and embeddings to whole numbers, in place.

    Args:
        network: of transformers; its configuration has a field ``int8``.
    """
    rows, decoder = network.get_input_embeddings(), network.get_output_embeddings()
    tied = decoder is not None and decoder.weight is rows.weight
    # Where transformers reads a folder, the two are tied later.
    tied = tied or (decoder is not None and network.config.tie_word_embeddings)
    for name, module in list(network.named_modules()):
        for part, child in list(module.named_children()):
            if KEPT & {*name.split("."), part} or (tied and child is decoder):
                continue
            if type(child) is nn.Linear:
                setattr(module, part, Int8Linear(child))
            elif type(child) is nn.Embedding:
                setattr(module, part, Int8Embedding(child.weight))
    if tied:
        _tie(network, decoder)
    network.config.int8 = True


def _tie(network: Any, decoder: nn.Linear) -> None:
    """Let the masked head read the rows of the embeddings, and transformers tie biases alone."""
    for module in network.modules():
        for part, child in list(module.named_children()):
            if child is decoder:
                made = Int8Decoder(network.get_input_embeddings(), decoder.bias)
                setattr(module, part, made)
    for module in network.modules():
        if isinstance(module, PreTrainedModel):
            for name in ("_tied_weights_keys", "all_tied_weights_keys"):
                keys: dict[str, str] = getattr(module, name, None) or {}
                left = {key: its for key, its in keys.items() if key.endswith("bias")}
                setattr(module, name, left)


def numbers_of(network: nn.Module) -> int:
    """Count the numbers that a network has learnt, whole ones among them, without scales."""
    held = [each for each in network.buffers() if each.dtype == torch.int8]
    return sum(each.numel() for each in (*network.parameters(), *held))
