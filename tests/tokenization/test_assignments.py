"""The words of the fit: used for the very features that were fitted, never for others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.toys.features import blobs, features_folder
from tokenization.assignments import ASSIGNMENTS_FILE, Assignments, write_assignments
from tokenization.hierarchical_kmeans.feature_source import FolderSource
from workfolder.errors import InputError
from workfolder.files import read_table, write_table

WORDS = np.arange(100, dtype=np.int32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features of three videos of 40, 40 and 20 clips, and their assignments."""
    features_folder(blobs(100), tmp_path / "features", 40)
    source = FolderSource(tmp_path / "features")
    write_assignments(source, WORDS, "digest", tmp_path / "codebook")
    return tmp_path


def words_of(folder: Path, video: str, codebook: str = "digest") -> np.ndarray | None:
    found = Assignments.read(folder / "codebook", codebook)
    return found.words_of(folder / "features" / f"{video}.parquet")


def test_a_video_has_the_words_of_its_rows(folder: Path) -> None:
    for video, expected in (("v000", WORDS[:40]), ("v001", WORDS[40:80]), ("v002", WORDS[80:])):
        found = words_of(folder, video)
        assert found is not None and found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)


def test_a_video_that_the_fit_did_not_read_has_none(folder: Path) -> None:
    path = folder / "features" / "v000.parquet"
    (folder / "features" / "later.parquet").write_bytes(path.read_bytes())
    assert words_of(folder, "later") is None


def test_features_that_have_changed_have_none_though_their_time_is_old(folder: Path) -> None:
    path = folder / "features" / "v000.parquet"
    when, table = path.stat().st_mtime_ns, read_table(path)
    turned = np.concatenate([[1, 0], np.arange(2, 40)])
    write_table(table.set_column(4, table.schema.field(4), table.column(4).take(turned)), path)
    os.utime(path, ns=(when, when))
    assert words_of(folder, "v000") is None and words_of(folder, "v001") is not None


def test_features_that_are_newer_have_none_though_they_look_the_same(folder: Path) -> None:
    path = folder / "features" / "v000.parquet"
    later = (folder / "codebook" / ASSIGNMENTS_FILE).stat().st_mtime_ns + 1
    os.utime(path, ns=(later, later))
    assert words_of(folder, "v000") is None


def test_features_that_changed_during_the_fit_have_none(tmp_path: Path) -> None:
    features_folder(blobs(40), tmp_path / "features", 40)
    source = FolderSource(tmp_path / "features")
    features_folder(blobs(40, seed=1), tmp_path / "features", 40)
    write_assignments(source, WORDS, "digest", tmp_path / "codebook")
    assert words_of(tmp_path, "v000") is None


def test_a_file_of_several_row_groups_is_left_out(folder: Path) -> None:
    path = folder / "features" / "v000.parquet"
    pq.write_table(read_table(path), path, row_group_size=30)
    write_assignments(FolderSource(folder / "features"), WORDS, "digest", folder / "codebook")
    assert words_of(folder, "v000") is None
    found = words_of(folder, "v001")
    assert found is not None and found.tolist() == list(range(40, 80))


def test_assignments_of_another_codebook_or_none_are_not_used(folder: Path) -> None:
    assert words_of(folder, "v000", "another") is None
    (folder / "codebook" / ASSIGNMENTS_FILE).unlink()
    assert words_of(folder, "v000") is None


def test_damaged_assignments_are_refused(folder: Path) -> None:
    path = folder / "codebook" / ASSIGNMENTS_FILE
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"^{path} cannot be read .*delete it"):
        Assignments.read(folder / "codebook", "digest")
