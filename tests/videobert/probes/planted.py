"""States whose truth is known."""

from __future__ import annotations

import numpy as np

from videobert.probes.states import States


def states_of(layers: np.ndarray, ids: np.ndarray, seen: np.ndarray) -> States:
    """States of one token a row, each at place 1."""
    count = len(ids)
    return States(
        layers.astype(np.float32), ids, np.arange(count), np.ones(count, dtype=np.int64), seen
    )
