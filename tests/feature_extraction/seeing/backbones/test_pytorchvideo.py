from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from feature_extraction.seeing.backbones.names import URLS, find_backbone
from feature_extraction.seeing.backbones.pytorchvideo import MODELS
from feature_extraction.seeing.engines import make_engine
from feature_extraction.seeing.weights import randomise
from workfolder.errors import InputError


@pytest.fixture
def extra() -> None:
    pytest.importorskip("pytorchvideo", reason="the extra pytorchvideo is not installed")


def clip(name: str) -> torch.Tensor:
    """All frames of a clip."""
    side = MODELS[name].crop
    return torch.from_numpy(
        np.random.default_rng(1).integers(0, 256, (1, 30, side, side, 3), np.uint8)
    )


def frames(name: str) -> torch.Tensor:
    """The frames of the clip that the network looks at."""
    return clip(name)[:, list(find_backbone(name).preprocessing.looked_at(30))]


def published(name: str) -> torch.nn.Module:
    """The model as it is published, with its classifier."""
    from pytorchvideo.models import hub

    network = getattr(hub, name)(pretrained=False).eval()
    randomise(network, 2)
    return network


def entering_the_projection(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    seen = []
    network.blocks[-1].proj.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(pixels)
    return seen[0]


@pytest.mark.parametrize("name", MODELS)
def test_the_crop_is_what_the_last_pooling_was_made_for(name: str, extra: None) -> None:
    model = MODELS[name]
    pixels = torch.empty(1, 3, model.frames, model.crop, model.crop, device="meta")
    assert entering_the_projection(published(name).to("meta"), pixels).shape == (1, 1, 1, 1, 2048)


@pytest.mark.parametrize("name", ["c2d_r50", "x3d_s"])
def test_a_feature_is_what_enters_the_last_projection(
    name: str, extra: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = published(name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(URLS[name]).name
    cached.parent.mkdir(parents=True)
    torch.save({"model_state": network.state_dict()}, cached)
    count = MODELS[name].frames
    picked = clip(name)[:, np.linspace(0, 29, count).astype(int)]
    with torch.inference_mode():
        found = find_backbone(name).module(frames(name))
        expected = entering_the_projection(
            network, ((picked / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
        )
    assert found.shape == (1, find_backbone(name).width) and found.std() > 1e-3
    assert torch.allclose(
        found, expected.flatten(1), rtol=0, atol=2e-6 * float(expected.abs().max())
    )


def test_a_file_and_a_seed_may_be_named(extra: None, tmp_path: Path) -> None:
    seeded = find_backbone("x3d_s:random:2")
    state = {
        name.removeprefix("network."): tensor for name, tensor in seeded.module.state_dict().items()
    }
    torch.save(state, tmp_path / "x3d.pyth")
    assert (
        find_backbone(f"x3d_s:{tmp_path / 'x3d.pyth'}").digest
        == seeded.digest
        == find_backbone("x3d_s:random:2").digest
    )
    with pytest.raises(
        InputError, match=r"x3d\.pyth is not a state dict of pytorchvideo:c2d_r50.*first blocks"
    ):
        _ = find_backbone(f"c2d_r50:{tmp_path / 'x3d.pyth'}").module


def test_openvino_runs_it(extra: None) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    backbone, shown = find_backbone("x3d_s:random:2"), frames("x3d_s").numpy()
    fast, plain = make_engine("openvino", backbone)(shown), make_engine("torch", backbone)(shown)
    assert fast.shape == (1, 2048)
    assert float(fast[0] @ plain[0] / np.linalg.norm(fast) / np.linalg.norm(plain)) > 0.999


def test_torch_compiles_it_whole_as_the_cuda_engine_asks(extra: None) -> None:
    module = find_backbone("x3d_s:random:2").module
    with torch.inference_mode():
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        assert torch.equal(compiled(frames("x3d_s")), module(frames("x3d_s")))


def test_without_the_extra_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorchvideo.models", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[pytorchvideo\]'"):
        _ = find_backbone("x3d_m:random:0").module
