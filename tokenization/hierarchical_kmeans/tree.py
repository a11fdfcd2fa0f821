"""The tree of centroids, in memory and on the disk: safetensors for numbers, JSON for the rest.

Nodes of level l are numbered 0 ... branching**(l+1) - 1. The children of node n are
n * branching ... n * branching + branching - 1 of the next level. So a word, a node of the last
level, spells its path, and the words of a subtree are neighbours.

Shapes:
    centers[l]: float32 [branching**(l+1), projected width], zeros for dead nodes.
    sizes[l]: int64 [branching**(l+1)], training rows per node, 0 for dead nodes.
    half_norms[l]: float32 [branching**l, branching].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tokenization.hierarchical_kmeans.projection import Projection
from workfolder.errors import InputError
from workfolder.files import file_digest, read_json, write_json, write_whole

CENTROIDS_FILE = "centroids.safetensors"
CODEBOOK_FILE = "codebook.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Tree:
    """A tree of centroids and the projection into their space.

    Attributes:
        projection: maps features into the space of the centroids.
        branching: children per node.
        centers: centroids by level.
        sizes: training rows per node by level; a node without rows is dead.
        inertia: by level, the sum of squared distances of the training rows to their node's
            centroid, in the projected space.
    """

    projection: Projection
    branching: int
    centers: list[np.ndarray]
    sizes: list[np.ndarray]
    inertia: list[float]

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Everything that a search reads, by name: the projection and every level's centroids."""
        levels = enumerate(self.centers)
        return self.projection.tensors | {f"centers.{level}": centers for level, centers in levels}

    @cached_property
    def half_norms(self) -> list[np.ndarray]:
        """|c|^2 / 2 of every node's children by level; infinity for the dead."""
        levels = zip(self.centers, self.sizes, strict=True)
        norms = (half_norms(centers, sizes > 0) for centers, sizes in levels)
        return [level.reshape(-1, self.branching) for level in norms]

    @cached_property
    def leaves(self) -> np.ndarray:
        """The living words, int32, ascending."""
        return np.flatnonzero(self.sizes[-1]).astype(np.int32)

    @cached_property
    def leaf_centers(self) -> np.ndarray:
        """The centroids of the living words, float32 [living words, projected width]."""
        alive = len(self.leaves) == len(self.centers[-1])
        return self.centers[-1] if alive else self.centers[-1][self.leaves]

    @cached_property
    def leaf_norms(self) -> np.ndarray:
        """|c|^2 / 2 of the living words, float32 [living words]."""
        return half_norms(self.leaf_centers, np.ones(len(self.leaves), bool))

    def bury(self) -> None:
        """Count the rows below every node by those of the words, and clear the nodes without.

        It is called before anything is searched.
        """
        for level, centers in enumerate(self.centers):
            self.sizes[level] = self.sizes[-1].reshape(len(centers), -1).sum(axis=1)
            centers[self.sizes[level] == 0] = 0

    def write(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Write ``centroids.safetensors``, then ``codebook.json``, which keeps its digest."""
        sizes = {f"sizes.{level}": sizes for level, sizes in enumerate(self.sizes)}
        write_tensors(folder, self.tensors | sizes, {**metadata, "inertia_by_level": self.inertia})

    @classmethod
    def read(cls, folder: Path) -> tuple[Tree, dict[str, Any]]:
        """Read what ``write`` wrote: the tree and its metadata.

        Raises:
            InputError: if a file is absent, damaged, or of another format.
        """
        return read_tensors(folder, cls._from_tensors)

    @classmethod
    def _from_tensors(cls, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Tree:
        parameters = metadata["parameters"]
        levels = range(parameters["depth"])
        return cls(
            Projection(tensors["mean"], tensors.get("components")),
            parameters["branching"],
            [tensors[f"centers.{level}"] for level in levels],
            [tensors[f"sizes.{level}"] for level in levels],
            metadata["inertia_by_level"],
        )


def write_tensors(
    folder: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]
) -> None:
    """Write ``centroids.safetensors``, then ``codebook.json``, which keeps its digest."""
    with write_whole(folder / CENTROIDS_FILE) as part:
        save_file(dict(tensors), part)
    digest = file_digest(folder / CENTROIDS_FILE)
    about = {"format": FORMAT_VERSION, **metadata, "centroids_digest": digest}
    write_json(about, folder / CODEBOOK_FILE)


def read_tensors(
    folder: Path, make: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], Tree]
) -> tuple[Tree, dict[str, Any]]:
    """Read what ``write_tensors`` wrote.

    Args:
        folder: where the files are.
        make: makes a tree of the tensors and the metadata.

    Returns:
        The tree and the metadata.

    Raises:
        InputError: if a file is absent, damaged, or of another format.
    """
    path = folder / CENTROIDS_FILE
    metadata = read_json(folder / CODEBOOK_FILE)
    try:
        if metadata.get("format") != FORMAT_VERSION:
            raise InputError(
                f"{folder} holds a codebook of format {metadata.get('format')}, "
                f"not {FORMAT_VERSION}: run cluster again"
            )
        if file_digest(path) != metadata["centroids_digest"]:
            raise InputError(
                f"{path} is not as it was written (its digest differs): run cluster again, "
                f"or copy the whole folder once more"
            )
        return make(load_file(path), metadata), metadata
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} or {CODEBOOK_FILE} beside it cannot be read ({error}): run cluster again"
        ) from error


def half_norms(centers: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Compute |c|^2 / 2, float32 [centers]; infinity for the dead.

    Args:
        centers: float32 [centers, width].
        alive: bool [centers].
    """
    squares = np.einsum("ij,ij->i", centers, centers, dtype=np.float64) / 2
    return np.where(alive, squares, np.inf).astype(np.float32)
