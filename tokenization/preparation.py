"""What happens to a feature before it is compared with centroids: centred, and if asked rotated, cut and whitened.

Centring costs nothing in what is found and much in what float32 can tell apart: the distance of two features whose mean
is far from zero is a small difference of large numbers.

Shapes: ``features`` [rows, width] as they lie on disk; ``prepared`` [rows, prepared width], float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PREPARATIONS = ("none", "pca", "whiten")


class NotFinite(ValueError):
    """A row holds NaN or infinity, or a number too large for float32; ``row`` counts from the first of those given."""

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row} holds NaN or infinity")
        self.row = row


@dataclass(frozen=True)
class Preparation:
    """From a feature to the space of the tree.

    Attributes:
        mean: float32, [width]; taken off every feature.
        components: float32, [width, prepared width], or None where the features keep their width.
    """

    mean: np.ndarray
    components: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Numbers per prepared row."""
        return self.mean.size if self.components is None else self.components.shape[1]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Prepared rows, float32, in an array of their own; NotFinite for the first row that cannot be compared."""
        with np.errstate(over="ignore", invalid="ignore"):  # told below, with the row
            exact = np.result_type(features.dtype, np.float32)
            rows: np.ndarray = np.subtract(features, self.mean, dtype=exact).astype(np.float32, copy=False)
            if self.components is not None:
                rows = rows @ self.components
            sums = rows @ np.ones(rows.shape[1], np.float32)  # NaN and infinity pass through a sum: one number a row
        if not np.isfinite(sums).all():
            raise NotFinite(int(np.flatnonzero(~np.isfinite(sums))[0]))
        return rows

    def undo(self, prepared: np.ndarray) -> np.ndarray:
        """The features, float32, [rows, width], that prepared rows stand for; exact but for what PCA cut off."""
        if self.components is None:
            return np.asarray(prepared + self.mean)
        back = np.linalg.pinv(self.components.astype(np.float64)).astype(np.float32)
        return np.asarray(prepared @ back + self.mean)


def learn_preparation(sample: np.ndarray, kind: str, components: int) -> Preparation:
    """The preparation that ``sample``, [rows, width], asks for.

    Args:
        sample: features, finite.
        kind: "none" centres; "pca" keeps the ``components`` directions of largest variance; "whiten" also gives each of
            them unit variance.
        components: at most; directions without variance are left out.
    """
    exact = sample.astype(np.float64)
    mean = exact.mean(axis=0)
    if kind == "none":
        return Preparation(mean.astype(np.float32))
    exact -= mean
    variances, directions = np.linalg.eigh(exact.T @ exact / len(exact))
    variances, directions = variances[::-1], directions[:, ::-1]
    kept = max(1, min(components, int((variances > variances[0] * 1e-9).sum())))
    variances, directions = variances[:kept], directions[:, :kept]
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(kept)])  # one sign for all
    if kind == "whiten" and variances[0] > 0:
        directions = directions / np.sqrt(variances)
    return Preparation(mean.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32))
