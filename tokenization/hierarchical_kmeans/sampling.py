"""Draws the rows that a node is fitted on: its members with the smallest priorities.

The priority of a row depends only on the seed, the level and the row's number. So the draw is the
same in any order of reading, in any number of threads, and after a restart.

Shapes:
    nodes: int [rows], the node of each row.
    sizes: int [nodes], rows per node.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

CHUNK_ROWS = 2**20
"""Rows whose priorities are computed at once."""


@dataclass(frozen=True)
class Sample:
    """Row numbers by node.

    Attributes:
        rows: int [drawn]; those of node i are ``rows[starts[i] : starts[i + 1]]``, ascending.
        starts: int [nodes + 1].
    """

    rows: np.ndarray
    starts: np.ndarray

    def groups(self, limit: int) -> list[tuple[int, int]]:
        """Split the nodes into runs of at most ``limit`` rows, or of a single node.

        Returns:
            The first node of each run and the node after its last.
        """
        ends = [0]
        for node in range(len(self.starts) - 1):
            if self.starts[node + 1] - self.starts[ends[-1]] > limit and node > ends[-1]:
                ends.append(node)
        return list(pairwise([*ends, len(self.starts) - 1]))


def draw_sample(nodes: np.ndarray, sizes: np.ndarray, limit: int, seed: int, level: int) -> Sample:
    """Draw at most ``limit`` members of every node, without replacement.

    Args:
        nodes: int [rows].
        sizes: int [nodes].
        limit: the most rows per node.
        seed: decides the draw.
        level: decides it, too, so that levels are drawn independently.
    """
    rows, priorities = _candidates(nodes, sizes, limit, seed, level)
    order = np.lexsort((priorities, nodes[rows]))
    rows = rows[order]
    owner = nodes[rows]
    first = np.searchsorted(owner, np.arange(len(sizes)))
    kept = np.arange(len(owner)) - first[owner] < limit
    rows, owner = rows[kept], owner[kept]
    rows = rows[np.lexsort((rows, owner))]
    return Sample(rows, np.searchsorted(owner, np.arange(len(sizes) + 1)))


def row_priorities(start: int, stop: int, seed: int, level: int) -> np.ndarray:
    """Compute a uniform uint64 for each row from ``start`` to before ``stop``.

    This is splitmix64 (Steele, Lea and Flood 2014) of a counter.
    """
    origin = np.random.SeedSequence(seed, spawn_key=(level,)).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        z = origin + np.arange(start, stop, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _candidates(
    nodes: np.ndarray, sizes: np.ndarray, limit: int, seed: int, level: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows that may be among the ``limit`` first of their node, with their priorities.

    Of a large node these are about twice as many rows as are wanted, and 64 more for small limits.
    """
    share = (2.0 * limit + 64) / np.maximum(sizes, 1)
    ceiling = np.where(share < 1, share * 2.0**64, 0).astype(np.uint64)
    ceiling[share >= 1] = np.iinfo(np.uint64).max
    rows, kept = [], []
    for start in range(0, len(nodes), CHUNK_ROWS):
        part = nodes[start : start + CHUNK_ROWS]
        priorities = row_priorities(start, start + len(part), seed, level)
        found = np.flatnonzero(priorities <= ceiling[part])
        rows.append(found + start)
        kept.append(priorities[found])
    return np.concatenate(rows), np.concatenate(kept)
