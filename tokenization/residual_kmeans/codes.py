"""The centroids of every level of a residual code, and the tree that is the same thing.

A word is a sum: one centroid of each level. The greedy choice of codes, level by level, is the
search down a tree in which the children of a node lie at the sum so far plus each centroid of the
next level. So the words are found, counted and kept as those of any tree, while the file holds
``depth`` times ``branching`` centroids in place of branching ** depth.

Shapes:
    centroids[l]: float32 [branching, projected width]; zeros for those that are missing.
    present[l]: bool [branching].
    counts: int64 [branching**depth], training rows of every word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokenization.hierarchical_kmeans.projection import Projection
from tokenization.hierarchical_kmeans.tree import Tree, read_tensors, write_tensors

KIND = "residual"
"""What codebook.json says of such a codebook."""


@dataclass(frozen=True)
class Codes:
    """The centroids of the levels, which all parents share."""

    projection: Projection
    centroids: list[np.ndarray]
    present: list[np.ndarray]

    @property
    def branching(self) -> int:
        """Centroids of a level, missing ones included."""
        return len(self.centroids[0])

    def tree(self, counts: np.ndarray | None = None) -> Tree:
        """Make the tree of all sums.

        Args:
            counts: training rows of every word; None takes every sum of present centroids for one
                that is alive.
        """
        centers, alive = [np.zeros((1, self.projection.width), np.float32)], [np.ones(1, bool)]
        for centroids, present in zip(self.centroids, self.present, strict=True):
            sums = centers[-1][:, None] + centroids
            centers.append(sums.reshape(-1, self.projection.width))
            alive.append((alive[-1][:, None] & present).reshape(-1))
        sizes = [each.astype(np.int64) for each in alive[1:]]
        tree = Tree(self.projection, self.branching, centers[1:], sizes, [])
        if counts is not None:
            tree.sizes[-1] = counts
            tree.bury()
        return tree

    def write(self, folder: Path, tree: Tree, metadata: Mapping[str, Any]) -> None:
        """Write the codes with the counts of their tree."""
        tensors = self.projection.tensors | {"counts": tree.sizes[-1]}
        levels = zip(self.centroids, self.present, strict=True)
        for level, (centroids, present) in enumerate(levels):
            tensors[f"centroids.{level}"] = centroids
            tensors[f"present.{level}"] = present.astype(np.uint8)
        about = {"kind": KIND, **metadata, "inertia_by_level": tree.inertia}
        write_tensors(folder, tensors, about)

    @classmethod
    def read(cls, folder: Path) -> tuple[Codes, Tree, dict[str, Any]]:
        """Read what ``write`` wrote.

        Raises:
            InputError: if a file is absent, damaged, or of another format.
        """
        found: list[Codes] = []

        def make(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Tree:
            levels = range(metadata["parameters"]["depth"])
            codes = cls(
                Projection(tensors["mean"], tensors.get("components")),
                [tensors[f"centroids.{level}"] for level in levels],
                [tensors[f"present.{level}"].astype(bool) for level in levels],
            )
            found.append(codes)
            tree = codes.tree(tensors["counts"])
            tree.inertia.extend(metadata["inertia_by_level"])
            return tree

        tree, metadata = read_tensors(folder, make)
        return found[0], tree, metadata
