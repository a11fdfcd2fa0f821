"""LAMB, for batches of thousands of sequences (You et al., 2020, "Large Batch Optimization").

    m = .9 m + .1 g        v = .999 v + .001 g^2
    r = m / (sqrt(v) + eps) + decay w
    w = w - rate |w| / (|r| + eps) r

The ratio of the norms, one for each tensor, is 1 where either norm is 0. There is no bias
correction, as in the third version of the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

BETAS, EPSILON = (0.9, 0.999), 1e-6
"""Those of the paper."""


class Lamb(torch.optim.Optimizer):
    """Takes steps as large as the weights that they change.

    Its state has the names of torch's AdamW.
    """

    def __init__(self, params: Iterable[dict[str, Any]], lr: float) -> None:
        """Take groups of parameters, each with its ``weight_decay``."""
        super().__init__(params, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        assert closure is None, "nothing here asks for the loss again"
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._update(weights, group["lr"], group["weight_decay"])

    def _update(self, weights: list[torch.Tensor], rate: float, decay: float) -> None:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        first, second = (self._moments(weights, name) for name in ("exp_avg", "exp_avg_sq"))
        torch._foreach_lerp_(first, gradients, 1 - BETAS[0])
        torch._foreach_mul_(second, BETAS[1])
        torch._foreach_addcmul_(second, gradients, gradients, 1 - BETAS[1])
        below = torch._foreach_sqrt(second)
        torch._foreach_add_(below, EPSILON)
        updates = torch._foreach_div(first, below)
        torch._foreach_add_(updates, weights, alpha=decay)
        norms = zip(torch._foreach_norm(weights), torch._foreach_norm(updates), strict=True)
        ratios = [
            torch.where((weight > 0) & (update > 0), weight / (update + EPSILON), 1.0)
            for weight, update in norms
        ]
        torch._foreach_mul_(updates, ratios)
        torch._foreach_add_(weights, updates, alpha=-rate)

    def _moments(self, weights: list[torch.Tensor], name: str) -> list[torch.Tensor]:
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = torch.zeros_like(weight)
        return [self.state[weight][name] for weight in weights]
