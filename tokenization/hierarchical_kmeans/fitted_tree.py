"""A tree that was fitted before, for finding words alone: HierarchicalKMeans without scikit-learn.

scikit-learn takes a second to import, and finding the words of a clip a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tokenization.hierarchical_kmeans.projection import named_rows
from tokenization.hierarchical_kmeans.search import find_words
from tokenization.hierarchical_kmeans.threads import workers
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.options import TREE
from workfolder.errors import InputError
from workfolder.options import cores

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.torch_search import TorchSearch

WRITTEN = ("format", "inertia_by_level", "centroids_digest")
"""What Tree.write adds by itself."""


Write = Callable[[Path, Tree, Mapping[str, Any]], None]


def write_tree(folder: Path, tree: Tree, about: Mapping[str, Any]) -> None:
    """Write a tree as it is."""
    tree.write(folder, about)


@dataclass(frozen=True)
class FittedTree:
    """What a codebook's folder holds; its members are those of the estimators.

    Attributes:
        tree_: the centroids.
        about: what HierarchicalKMeans.metadata said when it was saved.
        write: writes the tree and what is said about it into a folder.
        device: None searches with numpy; "cuda" or "cpu" searches there with torch.
        search: "tree" goes down the tree, "flat" compares with every word.
    """

    tree_: Tree
    about: dict[str, Any]
    write: Write = write_tree
    device: str | None = None
    search: str = TREE

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what HierarchicalKMeans.save or this class wrote.

        Raises:
            InputError: if a file is absent, damaged, or of another format.
        """
        return cls.of(*Tree.read(folder))

    @classmethod
    def of(cls, tree: Tree, about: Mapping[str, Any], write: Write = write_tree) -> Self:
        """Take a tree and all that its codebook.json says."""
        kept = {name: value for name, value in about.items() if name not in WRITTEN}
        return cls(tree, kept, write)

    def save(self, folder: Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made."""
        self.write(folder, self.tree_, self.about)

    def on(self, device: str) -> Self:
        """Return the same tree, searched on a device."""
        return replace(self, device=device)

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
        with named_rows(lambda row: f"row {row}"):
            if self.device is not None:
                import torch

                tensor = torch.from_numpy(np.require(features, requirements="W"))
                return self._torch_search.find_words(tensor, self.search, 1)
            with workers(cores()) as pool:
                return find_words(
                    self.tree_, features, self.search, distances=distances, apply=pool.map
                )

    @cached_property
    def _torch_search(self) -> TorchSearch:
        from tokenization.hierarchical_kmeans.torch_search import TorchSearch

        return TorchSearch(self.tree_, str(self.device))
