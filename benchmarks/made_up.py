"""Draws features that are shaped like a backbone's, for the benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import feature_column, features_schema
from workfolder.files import write_table


class MadeUpFeatures:
    """Draws kinds of scenes within kinds, rare and frequent, in few of many dimensions.

    A row is relu(z W) + noise, float16. z has 64 numbers: a place in a tree of 24 x 12 x 6 kinds,
    and noise of its own. The spread of kinds halves at each level; their frequency falls with
    their rank (Zipf).

    Args:
        width: numbers per feature.
    """

    LATENT, KINDS = 64, (24, 12, 6)

    def __init__(self, width: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        shapes = [self.KINDS[: level + 1] for level in range(len(self.KINDS))]
        self._places = [
            random.standard_normal((*s, self.LATENT), dtype=np.float32) / 2**i
            for i, s in enumerate(shapes)
        ]
        self._weights = random.standard_normal((self.LATENT, width), dtype=np.float32) / np.sqrt(
            self.LATENT
        )

    def rows(self, count: int, seed: int) -> np.ndarray:
        """Return features, float16 [count, width], which are the same for the same seed."""
        random = np.random.default_rng((1, seed))
        kinds = tuple(random.choice(kind, count, p=_zipf(kind)) for kind in self.KINDS)
        latent = random.standard_normal((count, self.LATENT), dtype=np.float32) / 2
        for level, places in enumerate(self._places):
            latent += places[kinds[: level + 1]]
        features: np.ndarray = np.maximum(latent @ self._weights, 0)
        features += 0.1 * random.standard_normal(features.shape, dtype=np.float32)
        return features.astype(np.float16)

    def write(self, folder: Path, count: int, per_video: int = 1000) -> None:
        """Write a features folder of ``count`` clips, one Parquet file a video."""
        for number, start in enumerate(range(0, count, per_video)):
            features = self.rows(min(per_video, count - start), 1000 + number)
            index = np.arange(len(features), dtype=np.int32)
            name = f"video-{number:06d}"
            columns = [[name] * len(index), index, index * 1.5, index * 1.5 + 1.5]
            arrays = [*map(pa.array, columns), feature_column(features)]
            write_table(
                pa.Table.from_arrays(arrays, schema=features_schema(features.shape[1])),
                folder / f"{name}.parquet",
            )


def _zipf(count: int) -> np.ndarray:
    weights = 1 / np.arange(1, count + 1)
    return np.asarray(weights / weights.sum())
