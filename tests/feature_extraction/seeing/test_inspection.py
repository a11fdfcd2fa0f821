from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.schema import feature_column, features_schema
from feature_extraction.seeing.inspection import draw_features, inspect_features
from tests.toys.command_line import Run
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.stage import Stage


def write_features(work: Path, video: str, features: np.ndarray) -> None:
    index = np.arange(len(features), dtype=np.int32)
    columns = [[video] * len(index), index, index * 1.5, index * 1.5 + 1.5]
    arrays = [*map(pa.array, columns), feature_column(features)]
    write_table(
        pa.Table.from_arrays(arrays, schema=features_schema(features.shape[1])),
        Stage(work / "features").path(video),
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two videos of 8 numbers a clip: the third is always 2, and the videos are opposites."""
    random = np.random.default_rng(0)
    Stage(tmp_path / "features").claim({"width": 8})
    for video, centre in (("a", 5.0), ("b", -5.0)):
        features = random.standard_normal((20, 8)) + centre
        features[:, 2] = 2
        write_features(tmp_path, video, features)
    return tmp_path


def test_figures_are_those_of_all_clips_together(work: Path) -> None:
    report = inspect_features(work)
    assert (report.videos, report.clips, report.width, report.dead, report.not_finite) == (
        2,
        40,
        8,
        1,
        0,
    )
    assert report.hours == pytest.approx(40 * 1.5 / 3600)
    assert (
        report.deviations[2] == pytest.approx(0, abs=1e-6)
        and (np.delete(report.deviations, 2) > 4).all()
    )
    assert report.norms.shape == (40,) and 8 < np.median(report.norms) < 20
    assert report.neighbours > 0.9 and report.strangers < -0.9


def test_what_is_not_a_number_is_counted_and_left_out(work: Path) -> None:
    bad = np.ones((3, 8))
    bad[1, 4] = np.nan
    write_features(work, "c", bad)
    report = inspect_features(work)
    assert (report.not_finite, report.clips) == (1, 43) and np.isfinite(report.deviations).all()
    assert report.neighbours > 0.8 and np.isfinite(report.strangers)
    write_features(work, "d", np.full((2, 8), np.inf))
    assert inspect_features(work).not_finite == 3


def test_the_command_prints_and_draws(work: Path, videobert: Run) -> None:
    result = videobert("inspect", "features", work, "--json")
    assert result.status == 0 and json.loads(result.out)["dead dimensions"] == 1
    assert (work / "features.png").stat().st_size > 10_000
    assert "dead dimensions" in videobert("inspect", "features", work).out


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no features"):
        inspect_features(tmp_path)


def test_the_picture_shows_something(work: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    draw_features(inspect_features(work), tmp_path / "drawn.png")
    picture = imread(tmp_path / "drawn.png")
    assert picture.shape[1] > 1000 and picture[..., :3].std() > 0.05
