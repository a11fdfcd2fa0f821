from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.models.video import S3D_Weights, s3d

from feature_extraction.seeing.backbones.backbone import PublishedBackbone
from feature_extraction.seeing.backbones.names import RECOGNISED, URLS, find_backbone
from feature_extraction.seeing.backbones.s3d import kylemin_key
from feature_extraction.seeing.backbones.s3d_gated import GatedS3D
from feature_extraction.seeing.frame import FrameSize
from workfolder.errors import InputError

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(3)
    return s3d().state_dict()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch's cache of weights, empty, on a machine without a network."""

    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


def saved(state: object, path: Path) -> PublishedBackbone:
    torch.save(state, path)
    backbone = find_backbone(str(path))
    assert isinstance(backbone, PublishedBackbone)
    return backbone


def kylemins(state: State) -> State:
    return {
        kylemin_key(name): tensor
        for name, tensor in state.items()
        if not name.startswith("classifier.")
    }


@pytest.mark.parametrize(
    ("weights", "layout", "size", "width"),
    [
        ("kinetics400", "torchvision", FrameSize(256, 224, squeeze=True), 1024),
        ("random:7", "torchvision", FrameSize(256, 224, squeeze=True), 1024),
        ("random:7:112", "torchvision", FrameSize(128, 112, squeeze=True), 1024),
        ("kylemin", "kylemin", FrameSize(256, 224, squeeze=True), 1024),
        ("howto100m", "howto100m", FrameSize(224, 224, squeeze=False), 1024),
        ("x3d_s", "pytorchvideo:x3d_s", FrameSize(182, 160, squeeze=False), 2048),
        ("slow_r50:random:7", "pytorchvideo:slow_r50", FrameSize(256, 224, squeeze=False), 2048),
    ],
)
def test_a_name_tells_what_pixels_it_wants_before_there_are_weights(
    weights: str, layout: str, size: FrameSize, width: int, cache: Path
) -> None:
    backbone = find_backbone(weights)
    assert (backbone.layout, backbone.preprocessing.size, backbone.width) == (layout, size, width)


def test_kinetics400_is_what_torchvision_says_of_it() -> None:
    published, ours = (
        S3D_Weights.KINETICS400_V1.transforms(),
        RECOGNISED["torchvision"].preprocessing,
    )
    assert (tuple(published.mean), tuple(published.std)) == (ours.mean, ours.std)
    assert (published.resize_size, published.crop_size) == (
        [ours.size.resize] * 2,
        [ours.size.crop] * 2,
    )
    assert URLS["kinetics400"] == S3D_Weights.KINETICS400_V1.url


@pytest.mark.parametrize(
    ("layout", "black", "white"),
    [("kylemin", -1, 1), ("howto100m", 0, 1), ("torchvision", -1.895, 2.490)],
)
def test_pixels_are_scaled_as_the_layout_wants_them(
    layout: str, black: float, white: float
) -> None:
    wanted = RECOGNISED[layout].preprocessing
    assert (0 - wanted.mean[0]) / wanted.std[0] == pytest.approx(black, abs=1e-3)
    assert (1 - wanted.mean[0]) / wanted.std[0] == pytest.approx(white, abs=1e-3)


def test_a_seed_names_its_weights() -> None:
    assert (
        find_backbone("random:0").digest
        == find_backbone("random:0").digest
        != find_backbone("random:1").digest
    )


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"random:one.*random:0"):
        _ = find_backbone("random:one").module


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("random:0:", "is not random:SEED or random:SEED:SIDE"),
        ("random:0:112x112", "is not random:SEED or random:SEED:SIDE"),
        ("random:0:112:8", "is not random:SEED or random:SEED:SIDE"),
        ("random:0:31", "S3D needs a side of at least 32 pixels"),
    ],
)
def test_a_side_that_s3d_cannot_take_is_refused(source: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"'{source}'.*{reason}"):
        find_backbone(source)


def test_the_smallest_side_gives_a_feature_by_the_same_weights() -> None:
    backbone = find_backbone("random:0:32")
    assert backbone.digest == find_backbone("random:0").digest
    clip = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 8, 32, 32, 3), np.uint8))
    with torch.inference_mode():
        feature = backbone.module(clip)
    assert feature.shape == (1, 1024) and feature.isfinite().all() and feature.std() > 0


def test_a_file_of_torchvisions_layout_is_loaded(state: State, tmp_path: Path) -> None:
    backbone = saved(state, tmp_path / "s3d.pth")
    loaded = backbone.module.network.state_dict()
    assert (
        backbone.layout == "torchvision"
        and backbone.preprocessing == RECOGNISED["torchvision"].preprocessing
    )
    assert (
        all(torch.equal(loaded[name], state[name]) for name in loaded)
        and len(loaded) == len(state) - 2
    )


def test_the_digest_is_of_what_decides_a_feature(state: State, tmp_path: Path) -> None:
    digest = saved(state, tmp_path / "whole.pth").digest
    bare = {
        name: tensor
        for name, tensor in state.items()
        if "classifier" not in name and "num_batches" not in name
    }
    assert saved(bare, tmp_path / "bare.pth").digest == digest
    assert saved(kylemins(state), tmp_path / "renamed.pt").digest == digest
    bare["features.0.0.1.running_var"] = bare["features.0.0.1.running_var"] + 0.1
    assert saved(bare, tmp_path / "other.pth").digest != digest


@pytest.mark.parametrize("weights", ["kinetics400", "kylemin", "howto100m"])
def test_named_weights_come_from_torchs_cache(weights: str, state: State, cache: Path) -> None:
    states = {
        "kinetics400": state,
        "kylemin": kylemins(state),
        "howto100m": GatedS3D().state_dict(),
    }
    names = {
        "kinetics400": "s3d-d76dad2f.pth",
        "kylemin": "S3D_kinetics400.pt",
        "howto100m": "s3d_howto100m.pth",
    }
    torch.save(states[weights], cache / names[weights])
    first = next(iter(find_backbone(weights).module.parameters()))
    assert torch.equal(first, next(iter(states[weights].values())))


@pytest.mark.parametrize("weights", ["kinetics400", "howto100m"])
def test_without_a_network_the_address_is_told(weights: str, cache: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be fetched.*https://"):
        _ = find_backbone(weights).module


def test_what_is_fetched_is_checked_and_kept(
    state: State, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(url: str, path: str, hash_prefix: str | None, progress: bool) -> None:
        asked.append((url, hash_prefix))
        torch.save(state, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert find_backbone("kinetics400").digest == find_backbone("kinetics400").digest
    assert asked == [(URLS["kinetics400"], "d76dad2f")]


@pytest.fixture
def half_a_file(state: State, tmp_path: Path) -> Iterator[str]:
    """The address of weights on a server that hangs up in their middle."""
    torch.save(state, tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()

    class Half(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Half)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/s3d.pth"
    server.shutdown()


def test_an_unfinished_download_leaves_nothing(
    half_a_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(URLS, "howto100m", half_a_file)
    with pytest.raises(InputError, match="howto100m, is not there and cannot be fetched"):
        _ = find_backbone("howto100m").module
    assert not list((tmp_path / "cache" / "hub" / "checkpoints").iterdir())


def test_kylemins_file_that_is_not_there_is_asked_for(cache: Path) -> None:
    with pytest.raises(InputError, match=rf"{cache}/S3D_kinetics400\.pt.*github\.com/kylemin/S3D"):
        _ = find_backbone("kylemin").module


def test_a_name_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        InputError,
        match=r"kinetics-400 does not exist.*kinetics400.*howto100m.*x3d_m.*kylemin.*random:SEED",
    ):
        _ = find_backbone("kinetics-400").layout


def test_a_missing_and_an_unknown_key_are_named(state: State, tmp_path: Path) -> None:
    other = dict(state)
    other["features.0.0.0.mass"] = other.pop("features.0.0.0.weight")
    with pytest.raises(
        InputError,
        match=r"other\.pth.*torchvision.*first features\.0\.0\.0\.mass, features\.0\.0\.0\.weight$",
    ):
        _ = saved(other, tmp_path / "other.pth").module


def test_keys_are_named_as_the_file_spells_them(state: State, tmp_path: Path) -> None:
    other = kylemins(state)
    del other["base.3.conv_t.weight"]
    with pytest.raises(InputError, match=r"other\.pt.*kylemin.*first base\.3\.conv_t\.weight$"):
        _ = saved(other, tmp_path / "other.pt").module


def test_another_shape_is_named(state: State, tmp_path: Path) -> None:
    other = kylemins(state) | {"base.2.bn.bias": torch.zeros(65)}
    with pytest.raises(InputError, match=r"other\.pt.*base\.2\.bn\.bias is \[65\].*\[64\]"):
        _ = saved(other, tmp_path / "other.pt").module


def test_another_network_is_refused_with_its_first_keys(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"other\.pth.*torchvision, kylemin, howto100m.*bias, weight$"
    ):
        _ = saved(torch.nn.Linear(2, 2).state_dict(), tmp_path / "other.pth").layout


class Bomb:
    """What a hostile checkpoint holds."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("content", [Bomb(), [1, 2], "text", {}, {"features.0.0.0.weight": 1}])
def test_what_is_no_state_dict_is_refused_and_runs_nothing(
    content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"file\.pth"):
        _ = saved(content, tmp_path / "file.pth").module
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no weights", b"PK\x03\x04 half an archive", bytes(range(256))]
)
def test_what_is_no_file_of_torchs_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"file\.pth"):
        _ = find_backbone(str(tmp_path / "file.pth")).module
