"""Features that lie in groups within groups, and all that was learnt of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import SOURCE_KEY, feature_column, features_schema
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.files import write_table


def blobs(rows: int = 600, width: int = 16, seed: int = 0) -> np.ndarray:
    """Groups within groups, float16, far from the origin."""
    random = np.random.default_rng(seed)
    places = 8 * random.standard_normal((4, width)), 2 * random.standard_normal((4, 4, width))
    outer, inner = random.integers(0, 4, (2, rows))
    return (
        20 + places[0][outer] + places[1][outer, inner] + random.standard_normal((rows, width))
    ).astype(np.float16)


def made_of(model: HierarchicalKMeans) -> bytes:
    """All bytes that were learnt."""
    levels = [
        *model.cluster_centers_,
        *model.sizes_,
        model.labels_,
        np.array(model.inertia_by_level_),
    ]
    return b"".join(array.tobytes() for array in levels)


def add_video(work: Path, video: str, clips: int = 40, source: Path | None = None) -> None:
    """DIR/features/<video>.parquet, of 8 numbers a clip, which says where it comes from if ``source`` is given."""
    features = np.random.default_rng(ord(video)).standard_normal((clips, 8)).astype(np.float16)
    index = np.arange(clips)
    columns = [pa.array([video] * clips), index.astype(np.int32), index * 1.5, index * 1.5 + 1.5]
    columns = [pa.array(column) for column in columns] + [feature_column(features)]
    table = pa.Table.from_arrays(columns, schema=features_schema(8))
    if source:
        table = table.replace_schema_metadata({SOURCE_KEY: bytes(source)})
    write_table(table, work / "features" / f"{video}.parquet")
