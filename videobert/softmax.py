"""From logits to probabilities, along the last axis."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Compute probabilities, of the shape and type of the logits; -inf becomes 0."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: np.ndarray = shares / shares.sum(axis=-1, keepdims=True)
    return found


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Compute log probabilities, of the shape and type of the logits."""
    lower = logits - logits.max(axis=-1, keepdims=True)
    found: np.ndarray = lower - np.log(np.exp(lower).sum(axis=-1, keepdims=True))
    return found


def first_places(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the ``count`` highest scores, the highest first; equal ones in order."""
    return np.argsort(-scores, axis=-1, kind="stable")[..., :count]
