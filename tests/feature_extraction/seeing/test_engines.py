from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from feature_extraction.seeing import engines
from feature_extraction.seeing.backbones.backbone import PublishedBackbone
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.backbones.s3d_gated import GatedS3D
from feature_extraction.seeing.engines import (
    Engine,
    check_engine,
    engine_precision,
    fixed_batch,
    make_engine,
)
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.weights import randomise
from workfolder.errors import InputError


def small_backbone(weights: str) -> PublishedBackbone:
    """The same network on frames of 64 x 64: a tenth of the time."""
    backbone = find_backbone(weights)
    assert isinstance(backbone, PublishedBackbone)
    small = replace(backbone.preprocessing, size=FrameSize(64, 64))
    return replace(backbone, published=replace(backbone.published, preprocessing=small))


def clip(seed: int, side: int = 224) -> np.ndarray:
    """A clip of coloured squares that move."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((1, 30, 224, 224, 3), dtype=np.uint8)
    for colour, speed in zip(rng.integers(60, 255, (3, 3)), rng.integers(1, 5, 3), strict=True):
        for number, frame in enumerate(frames[0]):
            frame[40:150, 10 + speed * number : 80 + speed * number] += (colour // 3).astype(
                np.uint8
            )
    return np.ascontiguousarray(
        frames[:, :, 60 : 60 + side, 60 : 60 + side] if side < 224 else frames
    )


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first.ravel() @ second.ravel() / np.linalg.norm(first) / np.linalg.norm(second))


def features_of(engine: Engine, clips: list[np.ndarray], lanes: int) -> list[bytes]:
    """The bytes of each clip's feature, asked for by as many threads as there are lanes."""
    with ThreadPoolExecutor(lanes) as threads:
        return [feature.tobytes() for feature in threads.map(engine, clips)]


@pytest.fixture(scope="module")
def plain() -> list[np.ndarray]:
    """Features of the clips 0 and 1 by torch."""
    engine = make_engine("torch", find_backbone("random:0"))
    return [engine(clip(seed)) for seed in (0, 1)]


def test_openvino_agrees_with_torch_and_with_itself_in_any_lane(plain: list[np.ndarray]) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    backbone = find_backbone("random:0")
    clips = [clip(0), clip(1)]
    engine = make_engine("openvino", backbone)
    alone = [engine(frames) for frames in clips]
    for found, expected in zip(alone, plain, strict=True):
        assert (
            found.shape == (1, 1024)
            and found.dtype == np.float32
            and cosine(found, expected) > 0.999
        )
    shared = features_of(make_engine("openvino", backbone, lanes=3), clips * 2, lanes=3)
    assert shared == [feature.tobytes() for feature in alone] * 2


def test_openvino_in_bfloat16_agrees_with_torch_on_the_gated_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr(
        engines, "_multiplies_bfloat16", lambda: True
    )  # processors without it compute bfloat16 too, or float32
    network = GatedS3D()
    randomise(network, 0)
    torch.save(network.state_dict(), tmp_path / "s3dg.pth")
    backbone = small_backbone(str(tmp_path / "s3dg.pth"))
    fast, slow = (
        make_engine("openvino", backbone)(clip(0, 64)),
        make_engine("torch", backbone)(clip(0, 64)),
    )
    assert cosine(fast, slow) > 0.999


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_a_feature_does_not_depend_on_what_is_in_its_batch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr(engines, "cores", lambda: 2)
    engine = make_engine(name, small_backbone("random:0"))
    assert engine.batch == 2
    one, two = clip(0, 64), clip(1, 64)
    together = engine(np.concatenate([one, two]))
    assert together.shape == (2, 1024)
    assert (together[0] == engine(one)[0]).all() and (together[1] == engine(two)[0]).all()
    assert (engine(np.concatenate([two, one]))[::-1] == together).all()


def test_torch_agrees_with_itself_in_any_lane() -> None:
    engine = make_engine("torch", small_backbone("random:0"), lanes=3)
    clips = [clip(seed, 64) for seed in range(6)]
    features = features_of(engine, clips, 1)
    assert len(set(features)) == 6 and features_of(engine, clips, 3) == features


def test_random_features_tell_clips_apart_and_keep_within_float16(plain: list[np.ndarray]) -> None:
    first, second = plain
    assert np.abs(first - second).mean() > 0.01 * np.abs(first).mean()
    assert 0.01 < np.abs(first).mean() and np.abs(first).max() < 1000


def test_a_batch_is_filled_up_to_its_size_and_a_full_one_left_alone() -> None:
    frames = np.full((3, 30, 4, 4, 3), 7, np.uint8)
    filled = fixed_batch(frames, 8)
    assert filled.shape == (8, 30, 4, 4, 3) and filled.dtype == np.uint8
    assert (filled[:3] == frames).all() and not filled[3:].any()
    assert fixed_batch(filled, 8) is filled


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_cuda_agrees_with_torch_and_with_itself_in_any_company() -> None:
    backbone = small_backbone("random:0")
    fast, plain = make_engine("cuda", backbone), make_engine("torch", backbone)
    clips = np.concatenate([clip(seed, 64) for seed in range(fast.batch)])
    together = fast(clips)
    for number, frames in enumerate(clips):
        assert cosine(together[number], plain(frames[None])) > 0.999
        assert (fast(frames[None])[0] == together[number]).all()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="abacus"):
        make_engine("abacus", find_backbone("random:0"))


def test_an_engine_that_this_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="needs a GPU"):
        check_engine("cuda")


def test_the_precision_is_that_of_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_multiplies_bfloat16", lambda: True)
    assert [engine_precision(name) for name in ("cuda", "openvino", "torch")] == [
        "bfloat16",
        "bfloat16",
        "float32",
    ]
    monkeypatch.setattr(engines, "_multiplies_bfloat16", lambda: False)
    assert engine_precision("openvino") == "float32"


class Broken(torch.nn.Module):
    """A network that gives what its test wants."""

    def __init__(self, feature: object) -> None:
        super().__init__()
        self.feature = feature

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        if isinstance(self.feature, Exception):
            raise self.feature
        return torch.as_tensor(self.feature).repeat(len(frames), 1)


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (RuntimeError("no kernel image\nfor this card"), r"does not work \(no kernel image\): use"),
        (OSError(), r"does not work \(OSError\): use another --engine"),
        ([0.0, 1.0], r"give \[1, 2\] numbers, 2 of them finite, for 1024 wanted: fetch"),
        ([float("nan")] * 1024, r"0 of them finite"),
    ],
)
def test_what_would_fail_for_every_video_fails_when_the_engine_is_made(
    feature: object, reason: str
) -> None:
    backbone = small_backbone("random:0")
    broken = replace(backbone.published, build=lambda: Broken(feature))
    with pytest.raises(InputError, match=reason):
        make_engine("torch", replace(backbone, published=broken))


def test_openvino_that_cannot_take_a_network_is_told() -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    backbone = small_backbone("random:0")
    broken = replace(backbone.published, build=lambda: Broken(RuntimeError("no such operation")))
    with pytest.raises(
        InputError, match=r"^the engine 'openvino' does not work .*another --engine$"
    ):
        make_engine("openvino", replace(backbone, published=broken))
