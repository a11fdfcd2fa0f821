"""How gradients change the weights, with fp32 masters where the model is held in bf16."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_

from videobert.learning.choices import ADAMW, LAMB
from videobert.learning.lamb import Lamb
from videobert.learning.piecewise import PiecewiseAdamW

MOST_GRADIENT = 1.0
"""Norm to which gradients are clipped, as the implementations of BERT and VideoBERT do."""
EMBEDDINGS = re.compile(
    r"\.(embeddings|embeddings_project|embedding_hidden_mapping_in|relative_attention_bias)\."
)
"""In the name of a weight that the first layer needs already, as transformers names them."""
MOMENTS = ("exp_avg", "exp_avg_sq")


class MasterOptimizer:
    """AdamW or LAMB over the weights of a model.

    A bf16 weight has 8 bits for its value: an update of less than a 256th of it would be rounded
    away. So its master, held as the model came, takes the update, and the model gets the master
    rounded (Micikevicius et al., 2018, "Mixed Precision Training").

    Attributes:
        masters: by name, the weights that take the updates; the model's own where nothing is
            rounded.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        learning_rate: float,
        weight_decay: float,
        layer_decay: float = 1.0,
        dtype: torch.dtype = torch.float32,
        kind: str = ADAMW,
    ) -> None:
        """Hold the model in ``dtype`` from now on.

        Args:
            model: its parameters that want a gradient are updated.
            learning_rate: the peak.
            weight_decay: of matrices; biases and LayerNorm, which have one dimension, do not decay.
            layer_decay: a layer's rate over that of the layer above it (Clark et al., 2020,
                "ELECTRA"); 1 for equal rates.
            dtype: bfloat16, or that of the model.
            kind: one of OPTIMIZERS.
        """
        self._weights = dict(model.named_parameters())
        rounded = dtype != next(iter(self._weights.values())).dtype
        self.masters = {
            name: weight.detach().clone() if rounded else weight
            for name, weight in self._weights.items()
        }
        model.to(dtype)
        top = 1 + max(depth(name) or 0 for name in self.masters)
        groups: dict[tuple[float, float], list[torch.Tensor]] = {}
        for name, master in self.masters.items():
            if self._weights[name].requires_grad:
                own = depth(name)
                peak = learning_rate * layer_decay ** (0 if own is None else top - own)
                groups.setdefault((peak, weight_decay * (master.ndim > 1)), []).append(master)
        given = [
            {"params": masters, "peak": peak, "weight_decay": decay}
            for (peak, decay), masters in groups.items()
        ]
        self._updates = self._updater(given, learning_rate, kind, rounded)

    def _updater(
        self, groups: list[dict[str, Any]], rate: float, kind: str, rounded: bool
    ) -> torch.optim.Optimizer:
        if kind == LAMB:
            return Lamb(groups, rate)
        plain = all(w.device.type == "cpu" and w.is_contiguous() for w in self._weights.values())
        if rounded and plain:
            weights = {master: self._weights[name] for name, master in self.masters.items()}
            return PiecewiseAdamW(groups, rate, weights)
        return torch.optim.AdamW(groups, lr=rate, fused=True)

    def step(self, share: float) -> float:
        """Update at ``share`` of the peak rates with the gradients that are there; clear them.

        Returns:
            The norm of the gradients before clipping. If it is not finite, no weight changes.
        """
        for group in self._updates.param_groups:
            group["lr"] = group["peak"] * share
        if isinstance(self._updates, PiecewiseAdamW):
            norm = self._updates.clipped_step(MOST_GRADIENT)
        else:
            norm = self._clipped_step()
        for weight in (*self._weights.values(), *self.masters.values()):
            weight.grad = None
        return norm

    def _clipped_step(self) -> float:
        for name, master in self.masters.items():
            gradient = self._weights[name].grad
            master.grad = None if gradient is None else gradient.to(master.dtype)
        norm = clip_grad_norm_(self.masters.values(), MOST_GRADIENT).item()
        if norm < float("inf"):
            self._updates.step()
            self._round()
        return norm

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint keeps, by name: the masters and the moments."""
        found = {}
        for name, master in self.masters.items():
            found[f"weight/{name}"] = master.detach()
            for moment, tensor in self._updates.state[master].items():
                if moment in MOMENTS:
                    found[f"{moment}/{name}"] = tensor
        return found

    def load_state(self, state: Mapping[str, torch.Tensor], steps: int) -> None:
        """Go on from what ``state`` returned after so many steps."""
        for name, master in self.masters.items():
            if self._weights[name].requires_grad:
                moments = {
                    moment: state[f"{moment}/{name}"].to(master.device) for moment in MOMENTS
                }
                done = torch.tensor(float(steps), device=master.device)
                self._updates.state[master] = {"step": done, **moments}
        self.set_weights({name: state[f"weight/{name}"] for name in self.masters})

    @torch.no_grad()
    def set_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Replace the masters, and the weights of the model with them."""
        for name, master in self.masters.items():
            master.copy_(weights[name])
        self._round()

    @torch.no_grad()
    def fill(self, model: torch.nn.Module) -> None:
        """Turn the model into one in fp32 whose weights are the masters."""
        for name, weight in model.float().named_parameters():
            if name in self.masters:
                weight.copy_(self.masters[name])

    @torch.no_grad()
    def _round(self) -> None:
        for name, master in self.masters.items():
            if master is not self._weights[name]:
                self._weights[name].copy_(master)


def depth(name: str) -> int | None:
    """Return 0 for a weight of the embeddings, n for one of the n-th layer, None above them."""
    if EMBEDDINGS.search(name):
        return 0
    layer = re.search(r"\.layers?\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else None
