from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.models.video import S3D_Weights, s3d

from feature_extraction.errors import InputError
from feature_extraction.s3d import PIXEL_MEAN, PIXEL_STD, Backbone, make_engine


def clip(seed: int = 0) -> np.ndarray:
    """A clip of coloured squares that move."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((30, 224, 224, 3), dtype=np.uint8)
    for colour, speed in zip(rng.integers(60, 255, (3, 3)), rng.integers(1, 5, 3), strict=True):
        for number, frame in enumerate(frames):
            frame[40:150, 10 + speed * number : 80 + speed * number] += (colour // 3).astype(np.uint8)
    return frames


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return s3d().state_dict()


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_a_feature_is_the_mean_of_torchvisions_last_map() -> None:
    backbone = Backbone("random:0")
    pixels = (torch.from_numpy(clip()).float() / 255 - torch.tensor(PIXEL_MEAN)) / torch.tensor(PIXEL_STD)
    with torch.inference_mode():
        map_ = backbone.module.features(pixels.permute(3, 0, 1, 2)[None])
    assert map_.shape == (1, 1024, 4, 7, 7)
    found = make_engine("torch", backbone)(clip())
    assert found.shape == (1024,) and np.allclose(found, map_.mean((2, 3, 4))[0], rtol=1e-4, atol=1e-5)


def test_the_scaling_is_that_of_torchvisions_weights() -> None:
    transform = S3D_Weights.KINETICS400_V1.transforms()
    assert (tuple(transform.mean), tuple(transform.std)) == (PIXEL_MEAN, PIXEL_STD)
    assert (transform.resize_size, transform.crop_size) == ([256, 256], [224, 224])


def test_openvino_agrees_with_torch_and_with_itself() -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    backbone = Backbone("random:0")
    fast, plain = make_engine("openvino", backbone), make_engine("torch", backbone)
    for seed in (0, 1):
        assert cosine(fast(clip(seed)), plain(clip(seed))) > 0.999
    assert (fast(clip(0)) == fast(clip(0))).all()


def test_random_features_tell_clips_apart_and_keep_within_float16() -> None:
    engine = make_engine("torch", Backbone("random:0"))
    first, second = engine(clip(0)), engine(clip(1))
    assert np.abs(first - second).mean() > 0.01 * np.abs(first).mean()
    assert 0.01 < np.abs(first).mean() and np.abs(first).max() < 1000


def test_a_seed_names_its_weights() -> None:
    assert Backbone("random:0").digest == Backbone("random:0").digest != Backbone("random:1").digest


def test_a_file_of_torchvisions_layout_is_loaded(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "s3d.pth")
    loaded = Backbone(str(tmp_path / "s3d.pth")).module.state_dict()
    assert all(torch.equal(loaded[name], state[name]) for name in loaded)


def test_kinetics_weights_come_from_torchs_cache(
    state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub" / "checkpoints" / Path(S3D_Weights.KINETICS400_V1.url).name
    cache.parent.mkdir(parents=True)
    torch.save(state, cache)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    loaded = Backbone("kinetics400").module.state_dict()
    assert torch.equal(loaded["features.0.0.0.weight"], state["features.0.0.0.weight"])


def test_without_a_network_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(S3D_Weights, "get_state_dict", unreachable)
    with pytest.raises(InputError, match=r"cannot be fetched.*https://"):
        _ = Backbone("kinetics400").module


def test_other_keys_are_refused_with_the_first_that_differ(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    with pytest.raises(InputError, match=r"other\.pth.*classifier\.1\.bias"):
        _ = Backbone(str(path)).module


class Bomb:
    """What a hostile checkpoint holds."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("content", [Bomb(), [1, 2], "text"])
def test_what_is_no_state_dict_is_refused_and_runs_nothing(
    content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(InputError, match=r"file\.pth"):
        _ = Backbone(str(tmp_path / "file.pth")).module
    assert not (tmp_path / "exploded").exists()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="abacus"):
        make_engine("abacus", Backbone("random:0"))
