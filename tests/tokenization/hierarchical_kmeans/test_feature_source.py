from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from feature_extraction.schema import feature_matrix
from tests.toys.features import blobs, features_folder
from tokenization.hierarchical_kmeans.feature_source import (
    ArraySource,
    FeatureSource,
    FolderSource,
)
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.fingerprints import file_fingerprint

ROWS = blobs()


@pytest.fixture(params=["array", "folder"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureSource:
    """600 rows of 16 numbers, as an array or in files of 70 rows."""
    if request.param == "array":
        return ArraySource(ROWS)
    return FolderSource(features_folder(ROWS, tmp_path, 70))


def test_rows_are_those_of_the_array(source: FeatureSource) -> None:
    assert (source.rows, source.width) == (600, 16)
    read = [source.read(*block) for block in source.blocks()]
    np.testing.assert_array_equal(np.concatenate(read), ROWS)
    some = np.array([0, 69, 70, 399, 599])
    np.testing.assert_array_equal(source.take(some), ROWS[some])


def test_pieces_are_the_files_of_a_folder_and_the_whole_of_an_array(tmp_path: Path) -> None:
    assert ArraySource(ROWS).pieces(0, 600) == [(0, 600)]
    folder = FolderSource(features_folder(ROWS[:200], tmp_path, 70))
    assert folder.pieces(0, 200) == [(0, 70), (70, 140), (140, 200)]


def test_a_row_is_named_by_its_file(tmp_path: Path) -> None:
    folder = FolderSource(features_folder(ROWS, tmp_path, 70))
    assert folder.name(75) == f"{tmp_path}/v001.parquet: row 5"
    assert ArraySource(ROWS).name(75) == "row 75"


def test_a_file_of_several_row_groups_is_numbered_through(tmp_path: Path) -> None:
    path = features_folder(ROWS, tmp_path, 600) / "v000.parquet"
    pq.write_table(read_table(path), path, row_group_size=250, write_page_checksum=True)
    folder = FolderSource(tmp_path)
    assert folder.pieces(0, 600) == [(0, 250), (250, 500), (500, 600)]
    assert folder.name(555) == f"{path}: row 555"
    np.testing.assert_array_equal(folder.read(0, 600), ROWS)


def test_folders_without_features_of_one_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no features"):
        FolderSource(tmp_path / "nowhere")
    features_folder(blobs(10, 8), tmp_path, 5)
    features_folder(blobs(10, 16), tmp_path, 10)
    with pytest.raises(InputError, match=r"mixes features of \[8, 16\] numbers: cluster each"):
        FolderSource(tmp_path)
    (tmp_path / "v000.parquet").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"v000\.parquet is not a file of features .*extract"):
        FolderSource(tmp_path)


def test_a_folder_whose_bytes_have_rotted_is_refused(tmp_path: Path) -> None:
    path = features_folder(ROWS, tmp_path, 600) / "v000.parquet"
    whole, chunk = path.read_bytes(), pq.read_metadata(path).row_group(0).column(4)
    first, size = (
        chunk.dictionary_page_offset or chunk.data_page_offset,
        chunk.total_compressed_size,
    )
    for place in range(first + size // 4, first + size, size // 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"v000\.parquet cannot be read"):
            FolderSource(tmp_path).read(0, 600)


def test_a_fingerprint_tells_other_features_of_the_same_shape(tmp_path: Path) -> None:
    path = features_folder(ROWS[:70], tmp_path, 70) / "v000.parquet"
    table = read_table(path)
    before, whole = file_fingerprint(path), FolderSource(tmp_path).fingerprint()
    write_table(table, path)
    assert (file_fingerprint(path), FolderSource(tmp_path).fingerprint()) == (before, whole)
    # Two clips change places: every count, size and range stays as it was.
    turned = np.concatenate([[1, 0], np.arange(2, 70)])
    write_table(table.set_column(4, table.schema.field(4), table.column(4).take(turned)), path)
    assert feature_matrix(read_table(path)).shape == (70, 16)
    assert file_fingerprint(path) != before and FolderSource(tmp_path).fingerprint() != whole
