"""Features that lie in groups within groups, and all that a tree learnt of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import feature_column, features_schema
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.files import write_table


def blobs(rows: int = 600, width: int = 16, seed: int = 0) -> np.ndarray:
    """Return groups within groups, float16 [rows, width], far from the origin."""
    random = np.random.default_rng(seed)
    places = 8 * random.standard_normal((4, width)), 2 * random.standard_normal((4, 4, width))
    outer, inner = random.integers(0, 4, (2, rows))
    return (
        20 + places[0][outer] + places[1][outer, inner] + random.standard_normal((rows, width))
    ).astype(np.float16)


def features_folder(features: np.ndarray, folder: Path, per_video: int) -> Path:
    """Write features into a folder, ``per_video`` rows to a file, in order."""
    for number, start in enumerate(range(0, len(features), per_video)):
        rows = features[start : start + per_video]
        index = np.arange(len(rows))
        columns = [[f"v{number:03d}"] * len(rows), index, index * 1.5, index * 1.5 + 1.5]
        arrays = [*map(pa.array, columns), feature_column(rows)]
        schema = features_schema(rows.shape[1])
        table = pa.Table.from_arrays(arrays, names=schema.names).cast(schema)
        write_table(table, folder / f"v{number:03d}.parquet")
    return folder


def made_of(model: HierarchicalKMeans) -> bytes:
    """Return all bytes that were learnt."""
    levels = [
        *model.cluster_centers_,
        *model.sizes_,
        model.labels_,
        np.array(model.inertia_by_level_),
    ]
    return b"".join(array.tobytes() for array in levels)
