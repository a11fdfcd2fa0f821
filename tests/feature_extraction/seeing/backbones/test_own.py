"""Networks of one's own are found by an entry point, or by the name of the function."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import torch

from feature_extraction.features import FeatureExtractor, extract
from feature_extraction.options import FeatureOptions
from feature_extraction.schema import feature_matrix
from feature_extraction.seeing.backbones import own
from feature_extraction.seeing.backbones.backbone import NetworkBackbone, Preprocessing
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.frame import FrameSize
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.runner import JobOptions
from workfolder.sources import find_videos

HERE = "tests.feature_extraction.seeing.backbones.test_own"


class Brightness(torch.nn.Module):
    """The brightness of each frame: a feature whose numbers are known."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean((1, 3, 4))


def brightness(frames: str = "3") -> NetworkBackbone:
    size, count = FrameSize(resize=64, crop=48), int(frames)
    wanted = Preprocessing(size, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255), frames=count)
    return NetworkBackbone(Brightness, wanted, width=count)


def nothing() -> object:
    return object()


def test_a_network_of_ones_own_looks_at_videos(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "v.mp4", grey_ramp(60))
    sources = find_videos([tmp_path / "videos"])
    extract(sources, tmp_path, FeatureOptions(f"{HERE}:brightness", "torch"), JobOptions(workers=1))
    features = feature_matrix(read_table(tmp_path / "features" / "v.parquet"))
    # Frame n of the ramp has the grey 10 + 4 n; 0, 14 and 29 of 30 are looked at.
    expected = np.array([[10, 66, 126], [130, 186, 246]])
    assert features.astype(float) == pytest.approx(expected, abs=1)


def test_an_entry_point_names_it_and_may_be_given_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(group: str, name: str) -> list[EntryPoint]:
        assert group == "videobert.backbones"
        return [EntryPoint(name, f"{HERE}:brightness", group)] if name == "mine" else []

    monkeypatch.setattr(own, "entry_points", entry_points)
    assert [find_backbone(name).width for name in ("mine", "mine:7")] == [3, 7]
    assert find_backbone(f"{HERE}:brightness:5").width == 5
    with pytest.raises(InputError, match="yours does not exist"):
        find_backbone("yours")


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (
            "no.such.package:make",
            r"^--weights no\.such\.package:make cannot be found .*PYTHONPATH$",
        ),
        (f"{HERE}:missing", r"cannot be found .*missing"),
        (f"{HERE}:brightness:many", r"fails \(ValueError: invalid literal.*\): mend"),
        (f"{HERE}:nothing", r"returns object, which lacks preprocessing, width, module, digest"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(weights: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as error:
        _ = FeatureExtractor(FeatureOptions(weights, "torch")).backbone
    assert "\n" not in str(error.value)
