"""How far training's features lie from their centroids, so that what is unlike them can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from workfolder.errors import InputError
from workfolder.files import read_json, write_json

FAMILIARITY_FILE = "familiarity.json"
SHARE = 0.95
"""Of the training features; so many lie nearer to their centroids than ``distance``."""


@dataclass(frozen=True)
class Familiarity:
    """What is far, by the measure of training.

    Attributes:
        distance: in the space that was clustered; SHARE of training's features are not farther
            from the centroids of their visual words.
    """

    distance: float

    @classmethod
    def of(cls, distances: np.ndarray) -> Self:
        """Learn it from the distances of training's features, float32 [clips]."""
        return cls(float(np.quantile(distances, SHARE)))

    def is_unlike(self, distances: np.ndarray) -> bool:
        """Tell whether a clip is unlike training's: at least half of its features are far.

        Args:
            distances: of the clip's features, [features].
        """
        return bool(np.median(distances) > self.distance)

    def save(self, folder: Path) -> None:
        """Write it into a codebook's folder."""
        write_json({"share": SHARE, "distance": self.distance}, folder / FAMILIARITY_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read it from a codebook's folder; None if that was made before there was such a file.

        Raises:
            InputError: if the file is damaged.
        """
        path = folder / FAMILIARITY_FILE
        if not path.exists():
            return None
        try:
            return cls(float(read_json(path)["distance"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}): run cluster again") from error
