from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feature_extraction.errors import InputError
from feature_extraction.features import FeatureExtractor, FeatureOptions, extract
from feature_extraction.jobs import JobOptions
from feature_extraction.schema import feature_matrix
from feature_extraction.sources import Source, find_videos
from feature_extraction.storage import Stage
from tests.conftest import grey_ramp, write_video

PLAIN = FeatureOptions("random:0", "torch")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Three and one clip."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "long.mp4", grey_ramp(80))
    write_video(folder / "short.mp4", grey_ramp(20))
    return find_videos([folder])


def test_files_are_the_same_for_any_number_of_workers_and_are_made_once(videos: list[Source], tmp_path: Path) -> None:
    content = []
    for workers in (1, 2):
        work = tmp_path / str(workers)
        report = extract(videos, work, PLAIN, JobOptions(workers))
        assert report.now == 2 and set(report.seconds) == {"read", "model", "write", "all"}
        content.append({path.name: path.read_bytes() for path in (work / "features").glob("*.parquet")})
    assert content[0] == content[1] and set(content[0]) == {"long.parquet", "short.parquet"}
    assert extract(videos, tmp_path / "1", PLAIN).now == 0


def test_what_made_a_feature_is_kept_and_never_mixed(videos: list[Source], tmp_path: Path) -> None:
    Stage(tmp_path / "features").claim(FeatureExtractor(PLAIN).provenance())
    kept = Stage(tmp_path / "features").options()
    assert (kept["frames_per_second"], kept["clip_frames"], kept["resize"], kept["crop"]) == (20, 30, 256, 224)
    assert kept["precision"] == "float32" and len(kept["weights_digest"]) == 64 and kept["width"] == 1024
    with pytest.raises(InputError, match="weights was 'random:0' and is now 'random:1'"):
        extract(videos, tmp_path, FeatureOptions("random:1", "torch"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e6])
def test_what_float16_cannot_hold_is_never_written(videos: list[Source], tmp_path: Path, bad: float) -> None:
    class Broken:
        batch = 1

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            return np.full((len(frames), 1024), bad, np.float32)

    extractor = FeatureExtractor(PLAIN)
    extractor.__dict__["_engine"] = Broken()
    with pytest.raises(InputError, match=r"long\.mp4 gives features beyond float16"):
        extractor(videos[0])
    extractor.close()


def test_rows_are_the_clips_in_order(videos: list[Source]) -> None:
    extractor = FeatureExtractor(PLAIN)
    made = extractor(videos[0])
    extractor.close()
    assert made.partial is None and made.table.column("index").to_pylist() == [0, 1, 2]
    assert made.table.column("start").to_pylist() == [0.0, 1.5, 3.0] and made.table.column("end").to_pylist() == [1.5, 3.0, 4.0]
    assert feature_matrix(made.table).shape == (3, 1024)
