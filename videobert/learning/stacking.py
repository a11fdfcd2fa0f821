"""Makes a model deeper while it learns (Gong et al., 2019, "Progressively Stacking BERT").

A shallow model takes steps that cost less. Its layers, stacked on copies of themselves, are a good
start for a model of twice the depth.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from torch import nn


def set_depth(model: nn.Module, layers: int) -> None:
    """Stack copies of a model's layers on top of them, or take layers away, in place.

    Args:
        model: of transformers, with ``config.num_hidden_layers``.
        layers: a multiple of those that it has, or fewer.
    """
    config: Any = model.config
    there = layer_list(model, config.num_hidden_layers)
    own = len(there)
    for place in range(own, layers):
        there.append(deepcopy(there[place - own]))
    del there[layers:]
    config.num_hidden_layers = layers


def layer_list(model: nn.Module, layers: int) -> nn.ModuleList:
    """Find the list of a model's layers.

    Args:
        model: of transformers.
        layers: how many it has.
    """
    lists = (each for each in model.modules() if isinstance(each, nn.ModuleList))
    return next(each for each in lists if len(each) == layers)
