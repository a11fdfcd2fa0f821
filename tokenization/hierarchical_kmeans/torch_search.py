"""The searches of ``search`` with torch, for a GPU. Words are the same up to ties within float32.

Shapes:
    features: [rows, width], as they lie on the disk.
    rows: float32 [rows, projected width], on the device.
"""

from __future__ import annotations

import numpy as np
import torch

from tokenization.hierarchical_kmeans.projection import NotFinite
from tokenization.hierarchical_kmeans.tree import Tree

BLOCK_ROWS = 4096
"""Rows times beam searched at once: 12 children of 1,024 numbers each take 200 MB of centroids."""


class TorchSearch:
    """A tree on a device.

    Args:
        tree: where to search.
        device: as torch names it, "cuda" or "cpu".
    """

    def __init__(self, tree: Tree, device: str) -> None:
        self._device = torch.device(device)
        self._branching = tree.branching
        groups = (centers.reshape(-1, tree.branching, centers.shape[1]) for centers in tree.centers)
        self._centers = [self._put(children) for children in groups]
        self._norms = [self._put(norms) for norms in tree.half_norms]
        self._leaves = self._centers[-1].flatten(0, 1)
        self._mean = self._put(tree.projection.mean)
        components = tree.projection.components
        self._components = None if components is None else self._put(components)

    def _put(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    @torch.inference_mode()
    def find_words(
        self, features: torch.Tensor, method: str, beam: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the word of each row and its squared distance, as ``search.find_words`` does.

        Args:
            features: [rows, width], on any device.
            method: "tree" or "flat".
            beam: nodes kept per level of a "tree" search.

        Returns:
            Words, int32 [rows], and squared distances, float32 [rows].

        Raises:
            NotFinite: if a row holds NaN or infinity.
        """
        step = max(1, BLOCK_ROWS // (1 if method == "flat" else beam))
        words, squares = np.empty(len(features), np.int32), np.empty(len(features), np.float32)
        for start in range(0, len(features), step):
            rows = self._project(features[start : start + step], start)
            found = self._search_all(rows) if method == "flat" else self._beam_search(rows, beam)
            distances = (rows - self._leaves[found]).square().sum(dim=1)
            words[start : start + step] = found.cpu().numpy()
            squares[start : start + step] = distances.cpu().numpy()
        return words, squares

    def _project(self, features: torch.Tensor, start: int) -> torch.Tensor:
        rows = features.to(self._device).float() - self._mean
        rows = rows if self._components is None else rows @ self._components
        finite = rows.square().sum(dim=1).isfinite()
        if not finite.all():
            raise NotFinite(start + int((~finite).nonzero()[0]))
        return rows

    def _beam_search(self, rows: torch.Tensor, beam: int) -> torch.Tensor:
        nodes = torch.zeros(len(rows), 1, dtype=torch.long, device=self._device)
        steps = torch.arange(self._branching, device=self._device)
        for level, (centers, norms) in enumerate(zip(self._centers, self._norms, strict=True)):
            products = torch.einsum("nd,nwkd->nwk", rows, centers[nodes])
            scores = (norms[nodes] - products).flatten(1)
            children = (nodes.unsqueeze(2) * self._branching + steps).flatten(1)
            keep = beam if level + 1 < len(self._centers) else 1
            best = scores.sort(dim=1, stable=True).indices[:, :keep].sort(dim=1).values
            nodes = children.gather(1, best)
        return nodes[:, 0]

    def _search_all(self, rows: torch.Tensor) -> torch.Tensor:
        scores = self._norms[-1].flatten() - rows @ self._leaves.T
        return scores.argmin(dim=1)
