from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.toys.features import blobs, features_folder
from tokenization.hierarchical_kmeans import centring
from tokenization.hierarchical_kmeans.centring import PRIOR_CLIPS, VideoCentring
from tokenization.hierarchical_kmeans.feature_source import FolderSource
from workfolder.errors import InputError

OVERALL = np.array([1.0, 2.0], np.float32)


def test_of_a_long_video_its_own_mean_is_taken_off_and_of_a_clip_nearly_the_mean_of_all() -> None:
    centre = VideoCentring(OVERALL)
    long = np.tile(np.array([[9, 0], [7, 4]], np.float16), (50_000, 1))
    np.testing.assert_allclose(centre(long)[:2], [[1, -2], [-1, 2]], atol=0.05)
    clip = np.array([[9.0, 0.0]], np.float16)
    taken = clip - centre(clip)
    share = 1 / (1 + PRIOR_CLIPS)
    np.testing.assert_allclose(taken[0], OVERALL + share * (clip[0] - OVERALL), atol=0.01)
    assert centre(np.empty((0, 2), np.float16)).shape == (0, 2)


def test_a_folder_gives_centred_rows_in_any_way_of_reading(tmp_path: Path) -> None:
    rows = blobs()
    folder = features_folder(rows, tmp_path, 70)
    source = FolderSource(folder, centre_videos=True)
    assert source.centring is not None
    videos = [rows[start : start + 70] for start in range(0, 600, 70)]
    means = [video.mean(axis=0, dtype=np.float64) for video in videos]
    np.testing.assert_allclose(source.centring.overall, np.mean(means, axis=0), rtol=1e-6)
    expected = np.concatenate([source.centring(video) for video in videos])
    read = np.concatenate([source.read(*block) for block in source.blocks()])
    np.testing.assert_array_equal(read, expected)
    some = np.array([3, 69, 70, 599])
    np.testing.assert_array_equal(source.take(some), expected[some])
    assert source.fingerprint() != FolderSource(folder).fingerprint()


def test_a_video_that_was_written_in_parts_is_centred_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    folder = features_folder(blobs(100), tmp_path, 100)
    (path,) = folder.glob("*.parquet")
    whole = FolderSource(folder, centre_videos=True)
    expected = whole.read(*whole.blocks()[0])
    pq.write_table(pq.read_table(path), path, row_group_size=30)
    parts = FolderSource(folder, centre_videos=True)
    assert len(parts.parts) == 4
    np.testing.assert_array_equal(parts.read(0, 100), expected)


def test_what_is_kept_is_read_again_or_refused(tmp_path: Path) -> None:
    VideoCentring(OVERALL).save(tmp_path)
    np.testing.assert_array_equal(VideoCentring.load(tmp_path).overall, OVERALL)
    assert VideoCentring.load(tmp_path).prior == PRIOR_CLIPS
    save_file({"overall": OVERALL}, tmp_path / centring.VIDEO_MEAN_FILE)
    first = VideoCentring.load(tmp_path)  # as the first version wrote it
    assert first.prior == 30 and first.tobytes() == OVERALL.tobytes()
    assert VideoCentring(OVERALL).tobytes() != first.tobytes()
    (tmp_path / centring.VIDEO_MEAN_FILE).write_bytes(b"x")
    with pytest.raises(InputError, match=r"video_mean\.safetensors cannot be read"):
        VideoCentring.load(tmp_path)
