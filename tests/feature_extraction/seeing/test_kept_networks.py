"""Networks that were exported once: the same features, whole or absent, bounded."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from feature_extraction.pace import CLIP_FRAMES
from feature_extraction.seeing import engines, kept_networks
from feature_extraction.seeing.backbones.backbone import PublishedBackbone
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.engines import make_engine
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.kept_networks import ABOUT, NETWORK, NetworkCache, usual_cache


class Tiny(torch.nn.Module):
    """The mean of a clip, times a weight for each number of the feature."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(1024.0))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(1, 2, 3, 4))[:, None] * self.weight


def backbone(source: str = "random:0") -> PublishedBackbone:
    found = find_backbone("random:0")
    assert isinstance(found, PublishedBackbone)
    small = replace(found.preprocessing, size=FrameSize(16, 16))
    published = replace(found.published, preprocessing=small, build=Tiny)
    return replace(found, published=published, source=source)


def unbuilt(source: str = "random:0") -> PublishedBackbone:
    """The same backbone where building its network would fail."""
    one = backbone(source)
    return replace(one, published=replace(one.published, build=lambda: 1 / 0))


@pytest.fixture
def cache(tmp_path: Path) -> NetworkCache:
    return NetworkCache(tmp_path / "networks")


@pytest.fixture
def kept(cache: NetworkCache) -> Path:
    """The folder of a network that was kept."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    make_engine("openvino", backbone(), cache=cache)
    (folder,) = cache.folder.iterdir()
    return folder


def test_a_kept_network_gives_the_same_bytes_and_is_not_built(
    cache: NetworkCache, kept: Path
) -> None:
    clip = np.random.default_rng(0).integers(0, 255, (1, 30, 16, 16, 3), dtype=np.uint8)
    first, again = (make_engine("openvino", one, cache=cache) for one in (backbone(), unbuilt()))
    assert first(clip).tobytes() == again(clip).tobytes() and np.ptp(first(clip)) > 0
    found = cache.find(unbuilt(), CLIP_FRAMES)
    assert found and found.weights_digest == backbone().digest and found.path == kept / NETWORK
    assert [path.name for path in cache.folder.iterdir()] == [kept.name], "nothing is left over"


def test_what_decides_the_features_decides_the_network(
    cache: NetworkCache, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.find(backbone("random:1"), CLIP_FRAMES) is None
    assert cache.find(backbone(), CLIP_FRAMES + 2) is None
    one = backbone()
    other = replace(one.preprocessing, size=FrameSize(32, 32))
    assert (
        cache.find(replace(one, published=replace(one.published, preprocessing=other)), CLIP_FRAMES)
        is None
    )
    monkeypatch.setattr(kept_networks, "versions", lambda *names: {"torch": "0"})
    assert cache.find(one, CLIP_FRAMES) is None


def test_weights_in_a_file_are_known_by_their_bytes(cache: NetworkCache, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    path = tmp_path / "weights.pth"
    path.write_bytes(b"one")
    one = replace(backbone(), source=str(path), find=Path)
    vars(one)["digest"] = "that of the tensors in it"
    cache.keep(
        one, CLIP_FRAMES, lambda graph: [graph.with_suffix(end).touch() for end in (".xml", ".bin")]
    )
    shutil.copy(path, tmp_path / "copy.pth")
    assert cache.find(replace(one, source=str(tmp_path / "copy.pth")), CLIP_FRAMES)
    path.write_bytes(b"two")
    assert cache.find(one, CLIP_FRAMES) is None


@pytest.mark.parametrize("damage", ["network.xml", "network.bin", "about.json"])
@pytest.mark.parametrize("way", ["flipped", "missing"])
def test_a_damaged_network_is_made_again(
    cache: NetworkCache, kept: Path, damage: str, way: str
) -> None:
    path = kept / damage
    if way == "missing":
        path.unlink()
    else:
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes(whole)
    assert cache.find(unbuilt(), CLIP_FRAMES) is None
    make_engine("openvino", backbone(), cache=cache)
    assert cache.find(unbuilt(), CLIP_FRAMES)


def test_the_least_recently_used_go_when_there_are_too_many(
    cache: NetworkCache, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(path.stat().st_size for path in kept.iterdir())
    monkeypatch.setattr(kept_networks, "MOST_BYTES", 5 * size // 2)
    make_engine("openvino", backbone("random:1"), cache=cache)
    for seconds, folder in enumerate((kept, *({*cache.folder.iterdir()} - {kept}))):
        os.utime(folder / ABOUT, (seconds, seconds))
    assert cache.find(backbone(), CLIP_FRAMES), "the first is used again"
    make_engine("openvino", backbone("random:2"), cache=cache)
    assert [bool(cache.find(backbone(f"random:{seed}"), CLIP_FRAMES)) for seed in range(3)] == [
        1,
        0,
        1,
    ]


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    (tmp_path / "file").touch()
    make_engine("openvino", backbone(), cache=NetworkCache(tmp_path / "file" / "networks"))


def test_a_network_that_failed_its_trial_is_not_kept(
    cache: NetworkCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    one = backbone()
    monkeypatch.setattr(
        engines.OpenVinoEngine, "__call__", lambda *_: np.full((1, 1024), np.nan, np.float32)
    )
    with pytest.raises(Exception, match="0 of them finite"):
        make_engine("openvino", one, cache=cache)
    assert not cache.folder.exists()


def test_a_network_of_ones_own_is_not_kept(cache: NetworkCache) -> None:
    class Own:
        preprocessing, width, digest = backbone().preprocessing, 1024, "x"
        module = Tiny()

    cache.keep(Own(), CLIP_FRAMES, lambda path: pytest.fail("it is kept"))
    assert cache.find(Own(), CLIP_FRAMES) is None


def test_the_cache_lies_beside_torchs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert usual_cache().folder == Path(torch.hub.get_dir()) / "videobert"
    monkeypatch.delitem(sys.modules, "torch")
    for name, hub in (("TORCH_HOME", "hub"), ("XDG_CACHE_HOME", "torch/hub")):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, str(tmp_path))
        assert usual_cache().folder == tmp_path / hub / "videobert"


def test_the_cache_is_found_while_another_thread_imports_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for begun in (ModuleType("torch"), SimpleNamespace(hub=ModuleType("torch.hub"))):
        monkeypatch.setitem(sys.modules, "torch", begun)  # type: ignore[arg-type]
        assert usual_cache().folder == tmp_path / "hub" / "videobert"


def test_what_it_was_made_of_is_told(kept: Path) -> None:
    about = json.loads((kept / ABOUT).read_text())
    assert about["made_of"]["weights"] == "random:0" and set(about["files"]) == {
        "network.xml",
        "network.bin",
    }
