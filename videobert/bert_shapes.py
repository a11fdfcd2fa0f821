"""What a BERT that was made smaller has otherwise than a BERT; its configuration tells.

    heads            how many heads each layer has left (Michel et al., 2019)
    shared           all layers are one (Lan et al., 2020, "ALBERT")
    embedding_size   rows of the embeddings are narrow, and one matrix widens them (the same)
    int8             see whole_numbers

Each begins where a BERT is, to rounding: layers that are equal, rows that have no more directions,
heads that say nothing. ALBERT's own layout could not, as it has a LayerNorm among narrow rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import torch
from torch import nn

from videobert.whole_numbers import to_int8


class SharedLayers(nn.ModuleList):
    """One layer that is gone through several times."""

    def __init__(self, layer: nn.Module, times: int) -> None:
        super().__init__()
        self.times = times
        self.add_module("0", layer)

    def __len__(self) -> int:
        return self.times

    def __iter__(self) -> Iterator[nn.Module]:
        return repeat(self.get_submodule("0"), self.times)


class Projection(nn.Linear):
    """Widens narrow rows; its transpose narrows what the rows are compared with."""


class Narrow(nn.Module):
    """Multiplies by the transpose of a projection, which belongs to the embeddings."""

    def __init__(self, projection: Projection) -> None:
        super().__init__()
        self._projection = (projection,)  # in a tuple, so that its weights have one name

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Make [..., narrow] of [..., width]."""
        return states @ self._projection[0].weight


def shape_bert(network: Any) -> None:
    """Give a BERT that was just made the shape of its configuration, in place.

    Args:
        network: one of the classes of modeling_videobert.
    """
    config, bert = network.config, getattr(network, "bert", network)
    if config.heads is not None:
        size = config.hidden_size // config.num_attention_heads
        for layer, heads in zip(bert.encoder.layer, config.heads, strict=True):
            _keep_heads(layer.attention, heads, size)
    if config.shared:
        bert.encoder.layer = SharedLayers(bert.encoder.layer[0], config.num_hidden_layers)
    if config.embedding_size is not None:
        _factorise(network, bert, config)
    if config.int8:
        to_int8(network)


def rows_of(network: Any) -> nn.Module:
    """Return the rows of words and visual words of a BERT; they may be narrow."""
    bert = getattr(network, "bert", network)
    rows: Any = bert.embeddings.word_embeddings
    found: nn.Module = rows[0] if isinstance(rows, nn.Sequential) else rows
    return found


def _keep_heads(attention: Any, heads: int, size: int) -> None:
    own, width = attention.self, attention.output.dense.out_features
    for name in ("query", "key", "value"):
        setattr(own, name, nn.Linear(width, heads * size))
    attention.output.dense = nn.Linear(heads * size, width)
    own.num_attention_heads, own.all_head_size = heads, heads * size


def _factorise(network: Any, bert: Any, config: Any) -> None:
    narrow = config.embedding_size
    rows = nn.Embedding(config.vocab_size, narrow, padding_idx=config.pad_token_id)
    wide = Projection(narrow, config.hidden_size, bias=False)
    bert.embeddings.word_embeddings = nn.Sequential(rows, wide).apply(network._init_weights)
    head = getattr(network, "cls", None)
    if head is None:
        return
    head.predictions.transform = nn.Sequential(head.predictions.transform, Narrow(wide))
    head.predictions.decoder = nn.Linear(narrow, config.vocab_size)
    keys = dict(network._tied_weights_keys)
    keys["cls.predictions.decoder.weight"] = "bert.embeddings.word_embeddings.0.weight"
    network._tied_weights_keys = keys
    network.all_tied_weights_keys = dict(keys)
    network.tie_weights()
