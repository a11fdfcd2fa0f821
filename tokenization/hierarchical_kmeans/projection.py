"""What happens to a feature before it is compared with centroids: centred, and if asked rotated, cut and whitened.

Centring costs nothing in what is found and much in what float32 can tell apart: the distance of two features whose mean
is far from zero is a small difference of large numbers.

Shapes: ``features`` [rows, width] as they lie on disk; ``prepared`` [rows, prepared width], float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workfolder.errors import InputError

STRIP_ROWS = 64
"""Rows that are worked on while they lie in the cache nearest to the core: a fifth of the time is saved."""


class NotFinite(ValueError):
    """A row holds NaN or infinity, or a number too large for float32; ``row`` counts from the first of those given."""

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row} holds NaN or infinity")
        self.row = row

    def refusal(self, name: str) -> InputError:
        """What a user is told, who knows the row as ``name``."""
        return InputError(
            f"{name} holds NaN or infinity, or is too large for float32: leave it out"
        )


def refuse_not_finite(rows: np.ndarray, first: int = 0) -> None:
    """NotFinite for the first row whose squared length is no float32 number; of all others every distance is one."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float32, casting="same_kind")
    if not np.isfinite(squares).all():
        raise NotFinite(first + int(np.flatnonzero(~np.isfinite(squares))[0]))


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

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Its attributes, but for what is None, by name."""
        return {name: tensor for name, tensor in vars(self).items() if tensor is not None}

    def __call__(self, features: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Prepared rows, float32, in ``out`` or a new array; NotFinite for the first row that cannot be compared."""
        rows = out
        if rows is None or self.components is not None:
            rows = np.empty((len(features), self.mean.size), np.float32)
        exact = np.result_type(features.dtype, np.float32)
        for start in range(0, len(features), STRIP_ROWS):
            strip = rows[start : start + STRIP_ROWS]
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # refused in the next line, with the row
                np.subtract(
                    features[start : start + STRIP_ROWS],
                    self.mean,
                    out=strip,
                    dtype=exact,
                    casting="same_kind",
                )
            refuse_not_finite(strip, start)
        return (
            rows
            if self.components is None
            else np.asarray(np.matmul(rows, self.components, out=out))
        )

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
    mean = sample.mean(axis=0, dtype=np.float64)
    if kind == "none":
        return Preparation(mean.astype(np.float32))
    exact = sample - mean
    variances, directions = np.linalg.eigh(exact.T @ exact / len(exact))
    variances, directions = variances[::-1], directions[:, ::-1]
    kept = max(1, min(components, int((variances > variances[0] * 1e-9).sum())))
    variances, directions = variances[:kept], directions[:, :kept]
    directions = directions * np.sign(
        directions[np.abs(directions).argmax(axis=0), np.arange(kept)]
    )  # one sign for all
    if kind == "whiten" and variances[0] > 0:
        directions = directions / np.sqrt(variances)
    return Preparation(mean.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32))
