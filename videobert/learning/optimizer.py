"""How gradients change the weights: AdamW, with fp32 master weights where the model is held in bf16."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch.nn.utils import clip_grad_norm_

MOST_GRADIENT = 1.0
"""Norm to which gradients are clipped, as BERT's and VideoBERT's implementations do."""
MOMENTS = ("exp_avg", "exp_avg_sq")


class MasterAdamW:
    """AdamW over the weights of a model.

    A bf16 weight has 8 bits for its value: an update of less than a 256th of it would be rounded away. So its fp32 master
    takes the update, and the model gets the master rounded (Micikevicius et al., 2018, "Mixed Precision Training").

    Args:
        model: its parameters that want a gradient are updated.
        dtype: in which the model is held from now on, bfloat16 or float32.
        learning_rate: the peak.
        weight_decay: not of biases and LayerNorm, the parameters of one dimension.
        layer_decay: a layer's rate over that of the layer above it (Clark et al., 2020, "ELECTRA"); 1 for equal rates.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        learning_rate: float,
        weight_decay: float,
        layer_decay: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._weights = dict(model.named_parameters())
        full = dtype == next(model.parameters()).dtype
        self.masters = {
            name: weight if full else weight.detach().clone()
            for name, weight in self._weights.items()
        }
        model.to(dtype)
        learning = {
            name: self.masters[name]
            for name, weight in self._weights.items()
            if weight.requires_grad
        }
        top = 1 + max(_depth(name, 0) for name in self.masters)
        alike: dict[tuple[float, float], list[torch.Tensor]] = {}
        for name, master in learning.items():
            peak = learning_rate * layer_decay ** (top - _depth(name, top))
            alike.setdefault((peak, weight_decay if master.ndim > 1 else 0.0), []).append(master)
        groups = [
            {"params": some, "peak": peak, "weight_decay": decay}
            for (peak, decay), some in alike.items()
        ]
        self._adamw = torch.optim.AdamW(groups, lr=learning_rate, fused=True)

    def step(self, share: float) -> float:
        """Update at ``share`` of the peak rates with the gradients that are there, and take them away.

        Returns the gradients' norm before clipping. If it is no finite number, no weight is changed.
        """
        for name, master in self.masters.items():
            gradient = self._weights[name].grad
            master.grad = None if gradient is None else gradient.to(master.dtype)
        norm = clip_grad_norm_(self.masters.values(), MOST_GRADIENT).item()
        if norm < float("inf"):
            for group in self._adamw.param_groups:
                group["lr"] = group["peak"] * share
            self._adamw.step()
            self._round()
        for weight in (*self._weights.values(), *self.masters.values()):
            weight.grad = None
        return norm

    def state(self) -> Iterator[tuple[str, torch.Tensor]]:
        """What a checkpoint keeps, by name: the masters and AdamW's moments."""
        for name, master in self.masters.items():
            yield f"weight/{name}", master.detach()
            for moment, tensor in self._adamw.state[master].items():
                if moment in MOMENTS:
                    yield f"{moment}/{name}", tensor

    @torch.no_grad()
    def load_state(self, state: Mapping[str, torch.Tensor], steps: int) -> None:
        """Go on from what ``state`` gave after so many steps."""
        for name, master in self.masters.items():
            master.copy_(state[f"weight/{name}"])
            if self._weights[name].requires_grad:
                moments = {
                    moment: state[f"{moment}/{name}"].to(master.device) for moment in MOMENTS
                }
                self._adamw.state[master] = {
                    "step": torch.tensor(float(steps), device=master.device),
                    **moments,
                }
        self._round()

    @torch.no_grad()
    def fill(self, model: torch.nn.Module) -> None:
        """Make the model one in fp32, with the masters as its weights."""
        for name, weight in model.float().named_parameters():
            if name in self.masters:
                weight.copy_(self.masters[name])

    @torch.no_grad()
    def _round(self) -> None:
        for name, master in self.masters.items():
            if master is not self._weights[name]:
                self._weights[name].copy_(master)


def _depth(name: str, otherwise: int) -> int:
    """0 for the embeddings, n for the n-th layer, ``otherwise`` for the heads above them."""
    if ".embeddings." in name:
        return 0
    layer = re.search(r"\.layer\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else otherwise
