"""What a network is made of, for numpy and for torch: two classes of the same functions.

Importing torch takes longer than numpy takes for the answer about a clip. For many sequences of a
large model torch is the faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from videobert.softmax import softmax

if TYPE_CHECKING:
    import torch


class NumpyArrays:
    """The functions over arrays of numpy."""

    @staticmethod
    def dense(states: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Multiply by the transposed weight, [out, in], and add the bias."""
        rows = states.reshape(-1, states.shape[-1])  # one product: numpy does one a sequence
        return np.asarray((rows @ weight.T + bias).reshape(*states.shape[:-1], len(weight)))

    @staticmethod
    def norm(states: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
        """Bring states to mean 0 and deviation 1 along the last axis, then scale and shift them."""
        centred = states - states.mean(axis=-1, keepdims=True)
        spread = np.square(centred).mean(axis=-1, keepdims=True)
        return np.asarray(centred / np.sqrt(spread + np.float32(eps)) * weight + bias)

    @staticmethod
    def gelu(states: np.ndarray) -> np.ndarray:
        """Compute GELU with the error function, as BERT does."""
        from scipy.special import erf

        half = np.float32(0.5)
        return np.asarray(states * half * (1 + erf(states * np.sqrt(half))))

    @staticmethod
    def tanh(states: np.ndarray) -> np.ndarray:
        """Compute the hyperbolic tangent."""
        return np.tanh(states)

    @staticmethod
    def attend(
        query: np.ndarray, key: np.ndarray, value: np.ndarray, seen: np.ndarray
    ) -> np.ndarray:
        """Mix values, each [batch, heads, length, width]; ``seen`` is bool and broadcasts."""
        scale = np.float32(query.shape[-1] ** -0.5)
        scores = query @ key.swapaxes(-1, -2) * scale
        scores = np.where(seen, scores, np.float32(-np.inf))
        return np.asarray(softmax(scores) @ value)


class TorchArrays:
    """The functions over tensors."""

    @staticmethod
    def dense(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """See NumpyArrays."""
        from torch.nn import functional

        return functional.linear(states, weight, bias)

    @staticmethod
    def norm(
        states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
    ) -> torch.Tensor:
        """See NumpyArrays."""
        from torch.nn import functional

        return functional.layer_norm(states, weight.shape, weight, bias, eps)

    @staticmethod
    def gelu(states: torch.Tensor) -> torch.Tensor:
        """See NumpyArrays."""
        from torch.nn import functional

        return functional.gelu(states)

    @staticmethod
    def tanh(states: torch.Tensor) -> torch.Tensor:
        """See NumpyArrays."""
        return states.tanh()

    @staticmethod
    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: torch.Tensor
    ) -> torch.Tensor:
        """See NumpyArrays."""
        from torch.nn import functional

        return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
