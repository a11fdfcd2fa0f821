"""Features in whole numbers: calibrated on the job's own first videos, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from feature_extraction import features
from feature_extraction.features import FeatureExtractor, extract
from feature_extraction.options import INT8, FeatureOptions
from feature_extraction.schema import feature_matrix
from feature_extraction.seeing import engines
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.engines import check_engine, make_engine
from tests.toys.videos import grey_ramp, write_video
from tokenization.codebook import IMMATERIAL
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.runner import JobOptions
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

pytest.importorskip("timm", reason="the extra timm is not installed")
WEIGHTS = "timm:test_efficientnet:random:3"
EIGHT = FeatureOptions(WEIGHTS, INT8)
JOB = JobOptions(workers=1)


@pytest.fixture
def nncf() -> None:
    pytest.importorskip("nncf", reason="the extra int8 is not installed")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    folder = tmp_path_factory.mktemp("videos")
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), np.uint8)
    (folder / "a_broken.mp4").write_bytes(b"no video")
    write_video(folder / "b_noise.mp4", noise)
    write_video(folder / "c_ramp.mp4", grey_ramp(60))
    return find_videos([folder])


def test_features_are_close_and_a_resumed_job_gives_the_same_bytes(
    nncf: None, videos: list[Source], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    assert set(extract(videos, work, EIGHT, JOB).failures) == {"a_broken"}
    assert not capsys.readouterr().out
    noted = Stage(work / "features").options()
    assert (noted["engine"], noted["precision"]) == (INT8, "int8")
    assert len(noted["calibration"]) == 64 and "calibration" in IMMATERIAL
    paths = [work / "features" / f"{name}.parquet" for name in ("b_noise", "c_ramp")]
    first = [path.read_bytes() for path in paths]
    paths[1].unlink()
    assert extract(videos, work, EIGHT, JOB).now == 1
    assert [path.read_bytes() for path in paths] == first
    extract(videos, tmp_path / "plain", FeatureOptions(WEIGHTS, "torch"), JOB)
    found, plain = (
        feature_matrix(read_table(folder / "features" / "b_noise.parquet")).astype(float)
        for folder in (work, tmp_path / "plain")
    )
    assert (found != plain).any()
    cosines = (found * plain).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(plain, axis=1)
    assert cosines.min() > 0.9


def test_a_network_that_was_changed_is_not_used(
    nncf: None, videos: list[Source], tmp_path: Path
) -> None:
    extract(videos[1:2], tmp_path, EIGHT, JOB)
    about = next((tmp_path / "int8").glob("*/about.json"))
    assert json.loads(about.read_text())["clips"] == 1
    with about.with_name("network.bin").open("ab") as file:
        file.write(b"rot")
    with pytest.raises(InputError, match=r"int8/[0-9a-f]{16} is damaged"):
        extract(videos, tmp_path, EIGHT, JOB)


def test_nothing_to_calibrate_on_is_told(nncf: None, videos: list[Source], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video can be read to calibrate on"):
        extract(videos[:1], tmp_path, EIGHT, JOB)


def test_an_actor_gets_the_network(videos: list[Source]) -> None:
    extractor = FeatureExtractor(EIGHT)
    extractor._int8 = features.Int8Network(Path("network.xml"), "digest")
    make, arguments = extractor.__reduce__()
    assert make(*arguments)._int8 == extractor._int8


def test_without_calibration_or_the_extra_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "nncf" else "found")
    with pytest.raises(InputError, match=r"is not installed: pip install 'videobert\[int8\]'"):
        check_engine(INT8)
    monkeypatch.setattr(engines, "find_spec", lambda name: "found")
    with pytest.raises(InputError, match="'openvino-int8' is not calibrated: only videobert"):
        make_engine(INT8, find_backbone(WEIGHTS))
