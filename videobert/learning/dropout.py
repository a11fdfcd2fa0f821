"""Dropout that a CPU can afford.

On a CPU torch draws a Bernoulli variable for each number, which took a tenth of a training step in
bf16 (torch.profiler, on a BERT-base). Sixteen random bits compared with a threshold do the same for
much less.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ATTENTION = "videobert_training"
BITS = 16
"""Random bits for a number. A probability is met to within half of 1 / 65,536."""
BITS_OF_ONE = 0x3F80
"""The bits of 1 as a bfloat16: no sign, exponent 127, no fraction."""


class BitDropout(nn.Dropout):
    """nn.Dropout for CPUs."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop a share ``p`` of the numbers while training; change nothing while evaluating."""
        return bit_dropout(input, self.p) if self.training and self.p else input


def bit_dropout(numbers: torch.Tensor, share: float) -> torch.Tensor:
    """Put 0 in the place of a random share of the numbers; scale the others by 1 / (1 - share)."""
    drawn = torch.empty(-(-numbers.numel() * BITS // 64), dtype=torch.int64).random_(-(2**63), None)
    bits = drawn.view(torch.int16)[: numbers.numel()].view(numbers.shape)
    # 1 where a number is kept; times the bits of 1 it is a bfloat16, without a detour by bool.
    kept = bits.ge_(round(share * 2**BITS) - 2 ** (BITS - 1)).mul_(BITS_OF_ONE).view(torch.bfloat16)
    return numbers * kept.to(numbers.dtype) * (1 / (1 - share))


def use_fast_dropout(model: PreTrainedModel) -> None:
    """Replace the dropout of a transformers model on a CPU, that of its attention included."""
    AttentionInterface.register(ATTENTION, _attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    model.set_attn_implementation(ATTENTION)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, BitDropout(child.p).train(child.training))


def _attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Compute scaled dot-product attention, as transformers calls it.

    Torch's own, fused, has no dropout of this kind. Its gradient in bf16 takes twice to three times
    as long on a CPU (rows of 112 and 128).

    Args:
        module: the attention layer.
        query: [batch, heads, length, width], as ``key`` and ``value``.
        key: see ``query``.
        value: see ``query``.
        attention_mask: bool, broadcast to [batch, heads, length, length].
        dropout: share of the attention that is dropped.
        scaling: of the products; width to the power of -1/2 if None.
        others: for transformers' own attention.

    Returns:
        [batch, length, heads, width], and no attention weights.
    """
    if not dropout and query.dtype != torch.bfloat16:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
    scores = query @ key.transpose(2, 3) * (scaling or query.shape[-1] ** -0.5)
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
    shares = scores.softmax(dim=-1)
    attended = (bit_dropout(shares, dropout) if dropout else shares) @ value
    return attended.transpose(1, 2).contiguous(), None
