"""Which weights of a model learn: all, the top layers, or the norms alone.

Weights that do not learn have no gradient, no moments, and the same bytes at the end.
"""

from __future__ import annotations

import torch
from torch import nn

from videobert.learning.choices import NORMS, TOP
from videobert.learning.optimizer import depth
from workfolder.errors import InputError


def choose_trained(model: nn.Module, what: str) -> None:
    """Let some weights of a model learn, and no others; those that did not learn still do not.

    Args:
        model: its names are those of transformers.
        what: "all"; "top:N", the last N layers and all above them; "norms", every LayerNorm.

    Raises:
        InputError: if there are fewer layers, or none with weights of its own, or if its matrices
            are of whole numbers, which do not learn.
    """
    if what != NORMS and any(each.dtype == torch.int8 for each in model.buffers()):
        raise InputError(
            f"--train {what}: the model is of whole numbers, which do not learn; train the one "
            "that it was made from and compress that, or give norms"
        )
    layers = max(depth(name) or 0 for name, _ in model.named_parameters())
    top = TOP.fullmatch(what)
    if top and not layers:
        raise InputError(
            f"--train {what}: all layers of this model share weights, give all or norms"
        )
    if top and int(top[1]) > layers:
        raise InputError(
            f"--train {what}: the model has {layers} layers, give top:{layers} or less"
        )
    norms = {
        id(weight)
        for module in model.modules()
        if isinstance(module, nn.LayerNorm)
        for weight in module.parameters()
    }
    for name, weight in model.named_parameters():
        own = depth(name)
        high = own is None or top is None or own > layers - int(top[1])
        learns = id(weight) in norms if what == NORMS else high
        weight.requires_grad &= learns
