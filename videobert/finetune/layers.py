"""Which layers of the network a head reads.

The six fixed choices are those of Devlin et al. (2019), "BERT", table 7, and of Sun et al. (2019),
"How to Fine-Tune BERT for Text Classification". The learnt one is that of Kondratyuk and Straka
(2019), "75 Languages, 1 Model": h = c * sum_l softmax(w)_l h_l. While it learns, each w_l is minus
infinity with the probability of layer dropout.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from workfolder.errors import InputError

WEIGHTED = "weighted"
NAMED = ("last", "first", "max4", "concat4", "mean4", "sum", WEIGHTED)
FEW = 4
"""Layers that max4, concat4 and mean4 read."""


class LayerMix(nn.Module):
    """Makes one state of those of all layers.

    Attributes:
        weights: w of each layer, [layers]; None unless they are learnt.
        scale: c.
    """

    def __init__(self, how: str, layers: int, dropout: float = 0.0) -> None:
        """Choose.

        Args:
            how: one of NAMED, or the number of a layer; 0 is the embeddings.
            layers: of the network.
            dropout: share of the layers that ``weighted`` leaves out at random while it learns.

        Raises:
            InputError: if the network has fewer layers.
        """
        super().__init__()
        least = int(how) if how.isdecimal() else FEW if how.endswith(str(FEW)) else 1
        if least > layers:
            raise InputError(f"--layers {how}: the model has {layers} layers, read fewer")
        self.how, self.dropout = how, dropout
        learnt = how == WEIGHTED
        self.weights = nn.Parameter(torch.zeros(layers)) if learnt else None
        self.scale = nn.Parameter(torch.ones(1)) if learnt else None

    @property
    def times(self) -> int:
        """How many times as wide as a layer's state the result is."""
        return FEW if self.how == "concat4" else 1

    def shares(self) -> torch.Tensor:
        """Return the share of each layer, [layers]; drawn anew at each call while it learns."""
        assert self.weights is not None
        weights: torch.Tensor = self.weights
        if self.training and self.dropout:
            dropped = torch.rand_like(weights) < self.dropout
            if not dropped.all():
                weights = weights.masked_fill(dropped, -torch.inf)
        return weights.softmax(dim=0)

    def forward(self, states: Sequence[torch.Tensor]) -> torch.Tensor:
        """Mix the states of the embeddings and of each layer, [..., width]."""
        if self.how.isdecimal():
            return states[int(self.how)]
        if self.how == "last":
            return states[-1]
        if self.how == "first":
            return states[1]
        if self.how == "concat4":
            return torch.cat(list(states[-FEW:]), dim=-1)
        layers = torch.stack(list(states[1:] if self.how in (WEIGHTED, "sum") else states[-FEW:]))
        if self.how == "max4":
            return layers.amax(dim=0)
        if self.how == "mean4":
            return layers.mean(dim=0)
        if self.how == "sum":
            return layers.sum(dim=0)
        assert self.scale is not None
        return self.scale * torch.einsum("l,l...->...", self.shares(), layers)
