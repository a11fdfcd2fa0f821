"""Which rows a node is fitted on: those of its members whose lot is smallest.

A row's lot hangs on the seed, the level and the row's number alone, so the draw is the same in any order of reading, in any
number of threads, and after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

CHUNK_ROWS = 2**20
"""Lots are drawn for so many rows at a time."""


def lots(start: int, stop: int, seed: int, level: int) -> np.ndarray:
    """A uniform uint64 for each row from ``start`` to before ``stop``: splitmix64 (Steele et al. 2014) of a counter."""
    origin = np.random.SeedSequence(seed, spawn_key=(level,)).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        z = origin + np.arange(start, stop, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


@dataclass(frozen=True)
class Sample:
    """Row numbers node by node: node i has ``rows[starts[i] : starts[i + 1]]``, ascending."""

    rows: np.ndarray
    starts: np.ndarray

    def groups(self, limit: int) -> list[tuple[int, int]]:
        """Runs of nodes, first and after the last, with at most ``limit`` rows together (or one node)."""
        ends = [0]
        for node in range(len(self.starts) - 1):
            if self.starts[node + 1] - self.starts[ends[-1]] > limit and node > ends[-1]:
                ends.append(node)
        return list(pairwise([*ends, len(self.starts) - 1]))


def draw_sample(nodes: np.ndarray, sizes: np.ndarray, limit: int, seed: int, level: int) -> Sample:
    """At most ``limit`` members of every node, drawn without replacement.

    Args:
        nodes: int, [rows]; the node each row is in.
        sizes: int, [nodes]; how many rows each node has.
    """
    candidates, lot = _small_lots(nodes, sizes, limit, seed, level)
    order = np.lexsort((lot, nodes[candidates]))
    candidates = candidates[order]
    owner = nodes[candidates]
    first = np.searchsorted(owner, np.arange(len(sizes)))
    kept = np.arange(len(owner)) - first[owner] < limit
    candidates, owner = candidates[kept], owner[kept]
    candidates = candidates[np.lexsort((candidates, owner))]
    return Sample(candidates, np.searchsorted(owner, np.arange(len(sizes) + 1)))


def _small_lots(
    nodes: np.ndarray, sizes: np.ndarray, limit: int, seed: int, level: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and their lots, that can be among the ``limit`` smallest of their node; of a small node, all."""
    share = (2.0 * limit + 64) / np.maximum(
        sizes, 1
    )  # of the lots: twice as many as are wanted, and 64 for small limits
    ceiling = np.where(share < 1, share * 2.0**64, 0).astype(np.uint64)
    ceiling[share >= 1] = np.iinfo(np.uint64).max
    rows, small = [], []
    for start in range(0, len(nodes), CHUNK_ROWS):
        part = nodes[start : start + CHUNK_ROWS]
        lot = lots(start, start + len(part), seed, level)
        found = np.flatnonzero(lot <= ceiling[part])
        rows.append(found + start)
        small.append(lot[found])
    return np.concatenate(rows), np.concatenate(small)
