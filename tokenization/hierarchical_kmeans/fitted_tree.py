"""A tree that was fitted before, for finding words alone: HierarchicalKMeans without scikit-learn.

scikit-learn takes a second to import, and finding the words of a clip a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from tokenization.hierarchical_kmeans.projection import named_rows
from tokenization.hierarchical_kmeans.search import find_words
from tokenization.hierarchical_kmeans.threads import workers
from tokenization.hierarchical_kmeans.tree import Tree
from workfolder.errors import InputError
from workfolder.options import cores

WRITTEN = ("format", "inertia_by_level", "centroids_digest")
"""What Tree.write adds by itself."""


@dataclass(frozen=True)
class FittedTree:
    """What a codebook's folder holds; its members are those of HierarchicalKMeans.

    Attributes:
        tree_: the centroids.
        about: what HierarchicalKMeans.metadata said when it was saved.
    """

    tree_: Tree
    about: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what HierarchicalKMeans.save or this class wrote.

        Raises:
            InputError: if a file is absent, damaged, or of another format.
        """
        tree, about = Tree.read(folder)
        return cls(tree, {name: value for name, value in about.items() if name not in WRITTEN})

    def save(self, folder: Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made."""
        self.tree_.write(folder, self.about)

    @property
    def branching(self) -> int:
        """Children per node."""
        return self.tree_.branching

    @property
    def depth(self) -> int:
        """Levels."""
        return len(self.tree_.centers)

    @property
    def sizes_(self) -> list[np.ndarray]:
        """For each level int64 [branching**(level+1)]; training rows per node."""
        return self.tree_.sizes

    @property
    def inertia_by_level_(self) -> list[float]:
        """For each level, the sum of squared distances of the training rows to their nodes."""
        return self.tree_.inertia

    @cached_property
    def dead_words_(self) -> np.ndarray:
        """The words that are never predicted, int32."""
        return np.flatnonzero(self.sizes_[-1] == 0).astype(np.int32)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Find the word of each row, int32 [rows].

        Args:
            features: [rows, width].

        Raises:
            InputError: if a row holds NaN or infinity, or the width is not the tree's.
        """
        return self._find(features, distances=False)[0]

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Measure the distance of each row to its word's centroid, float32 [rows, 1]."""
        return np.sqrt(self._find(features, distances=True)[1])[:, None]

    def _find(self, features: np.ndarray, distances: bool) -> tuple[np.ndarray, np.ndarray]:
        width = self.tree_.projection.mean.size
        if features.ndim != 2 or features.shape[1] != width:
            raise InputError(
                f"features of shape {features.shape} do not fit a codebook of width {width}: "
                "extract them as the codebook's were"
            )
        with named_rows(lambda row: f"row {row}"), workers(cores()) as pool:
            return find_words(self.tree_, features, distances=distances, apply=pool.map)
