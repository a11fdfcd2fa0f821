from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from tests.toys.codebook import jpeg
from tests.toys.features import blobs, features_folder
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.feature_source import FolderSource
from tokenization.pictures import nearest_rows, picture, word_pictures
from tokenization.schema import PICTURES
from workfolder.stage import Stage


def test_the_nearest_row_of_each_word_is_found_and_the_first_of_several() -> None:
    words = np.array([2, 0, 2, 0, 2, 5], np.int32)
    distances = np.array([0.5, 1, 0.25, 1, 0.25, 7], np.float32)
    assert nearest_rows(words, distances).tolist() == [1, 2, 5]


def test_a_word_has_the_clip_nearest_its_centroid(tmp_path: Path) -> None:
    rows = blobs(200)
    source = FolderSource(features_folder(rows, tmp_path / "features", 30))
    tree = HierarchicalKMeans(3, 2).fit(source)
    found = word_pictures(tree, source, Stage(tmp_path / "features"))
    assert found.schema == PICTURES
    distances = np.linalg.norm(rows[:, None] - tree.cluster_centers_[-1], axis=2)
    for row in found.to_pylist():
        members = np.flatnonzero(tree.labels_ == row["token"])
        nearest = members[distances[members, row["token"]].argmin()]
        assert (row["video_id"], row["index"]) == (f"v{nearest // 30:03d}", nearest % 30)
        assert row["start"] == 1.5 * row["index"] and row["jpeg"] is None
        np.testing.assert_allclose(row["distance"], distances[nearest, row["token"]], rtol=1e-2)
    assert found.column("token").to_pylist() == np.flatnonzero(tree.sizes_[-1]).tolist()


def test_a_picture_is_opened_by_its_word() -> None:
    row = {"video_id": "a", "index": 0, "start": 0.0, "distance": 0.0}
    rows = [{**row, "token": 3, "jpeg": jpeg(0)}, {**row, "token": 4, "jpeg": None}]
    pictures = pa.Table.from_pylist(rows, schema=PICTURES)
    found = picture(pictures, 3)
    assert found is not None and found.size == Image.open(io.BytesIO(jpeg(0))).size
    assert picture(pictures, 4) is None and picture(pictures, 5) is None
