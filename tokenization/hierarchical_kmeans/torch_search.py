"""The searches of ``tree_search`` with torch, for a GPU. The same words, up to ties within float32's precision.

Shapes: ``rows`` [rows, width], float32, prepared, on the device.
"""

from __future__ import annotations

import numpy as np
import torch

from tokenization.hierarchical_kmeans.projection import NotFinite, Preparation
from tokenization.hierarchical_kmeans.search import Tree

BLOCK_ROWS = 4096
"""Rows times beam at a time: with 12 children of 1,024 numbers each they gather 200 MB of centroids."""


class TorchSearch:
    """A tree on a device.

    Args:
        tree, preparation: what was learnt.
        device: as torch names it, "cuda" or "cpu".
    """

    def __init__(self, tree: Tree, preparation: Preparation, device: str | torch.device) -> None:
        self._device = torch.device(device)
        self._branching = tree.branching
        self._centers = [
            self._put(centers).view(-1, tree.branching, centers.shape[1])
            for centers in tree.centers
        ]
        self._norms = [self._put(norms) for norms in tree.half_norms]
        self._leaves = self._centers[-1].flatten(0, 1)
        self._mean = self._put(preparation.mean)
        self._components = (
            None if preparation.components is None else self._put(preparation.components)
        )

    def _put(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    @torch.inference_mode()
    def search(
        self, features: torch.Tensor, search: str, beam: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The word of each row, int32, and its squared distance to the word's centroid, float32.

        Args:
            features: [rows, width], on any device.
            search, beam: as ``tree_search.find_words``.

        Raises:
            NotFinite: for the first row that cannot be compared.
        """
        width = 1 if search == "flat" else beam
        find = self._search_all if search == "flat" else self._beam_search
        step = max(1, BLOCK_ROWS // width)
        words, squares = np.empty(len(features), np.int32), np.empty(len(features), np.float32)
        for start in range(0, len(features), step):
            rows = self._prepare(features[start : start + step], start)
            found = find(rows, width)
            words[start : start + step] = found.cpu().numpy()
            squares[start : start + step] = (
                (rows - self._leaves[found]).square().sum(dim=1).cpu().numpy()
            )
        return words, squares

    def _prepare(self, features: torch.Tensor, start: int) -> torch.Tensor:
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

    def _search_all(self, rows: torch.Tensor, _: int) -> torch.Tensor:
        scores = self._norms[-1].flatten() - rows @ self._leaves.T
        return scores.argmin(dim=1)
