"""Networks of transformers, held to transformers' own processor and network on the same frames."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from feature_extraction.features import FeatureExtractor
from feature_extraction.options import FeatureOptions
from feature_extraction.seeing import engines
from feature_extraction.seeing.backbones.huggingface import FAMILIES, HuggingFaceBackbone
from feature_extraction.seeing.backbones.image_sizes import processed
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.engines import make_engine
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.scaling import middle
from tests.toys.transformers_networks import SIDE, TOYS, save
from workfolder.errors import InputError

VIDEOS = ("videomae", "vjepa2", "timesformer", "vivit", "videoprism", "videoprism_vision_model")
SUMMARIES = [name for name in TOYS if FAMILIES[name].pooled]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("networks")
    return {name: save(name, root / name) for name in TOYS}


def frames_for(backbone: HuggingFaceBackbone, seed: int = 0) -> np.ndarray:
    """The frames of a clip that are looked at, resized but not yet cropped."""
    wanted = backbone.preprocessing
    shape = (len(wanted.looked_at(30)), wanted.size.resize, wanted.size.resize, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def cropped(backbone: HuggingFaceBackbone, frames: np.ndarray) -> np.ndarray:
    """A batch of one clip, as it comes from a video."""
    return np.stack([middle(frame, backbone.preprocessing.size) for frame in frames])[None]


def theirs(name: str, folder: Path, frames: np.ndarray, pooling: str = "mean") -> np.ndarray:
    """The feature by transformers alone."""
    toy = TOYS[name]
    model = toy.tower(getattr(transformers, toy.model).from_pretrained(folder)).eval()
    processor = getattr(transformers, toy.processor).from_pretrained(folder)
    more = {"skip_predictor": True} if name == "vjepa2" else {}
    with torch.inference_mode():
        made = model(**processed(processor, frames), **more)
    if pooling == "cls":
        first = name in ("timesformer", "vivit", "vit") or name.startswith("dino")
        pooled = made.last_hidden_state[:, 0] if first else made.pooler_output
    elif name == "resnet":
        pooled = made.pooler_output
    else:
        skipped = 4 if "dinov3" in name or "registers" in name else 1
        with_summary = name in ("timesformer", "vivit", "clip", "vit") or name.startswith("dino")
        pooled = made.last_hidden_state[:, skipped if with_summary else 0 :].mean(1)
    return pooled.flatten(1).mean(0).numpy()


@pytest.mark.parametrize("name", TOYS)
def test_a_feature_is_what_transformers_makes_of_the_same_frames(
    name: str, folders: dict[str, Path]
) -> None:
    backbone = HuggingFaceBackbone(str(folders[name]))
    frames = frames_for(backbone)
    expected = theirs(name, folders[name], frames)
    found = make_engine("torch", backbone)(cropped(backbone, frames))[0]
    assert found.shape == (backbone.width,) and expected.std() > 0.1
    assert found == pytest.approx(expected, abs=1e-4)
    others = make_engine("torch", backbone)(cropped(backbone, frames_for(backbone, seed=1)))[0]
    assert np.abs(others - found).max() > 0.01


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_networks_own_summary_may_be_asked_for(name: str, folders: dict[str, Path]) -> None:
    backbone = HuggingFaceBackbone(str(folders[name]), pooling="cls")
    frames = frames_for(backbone)
    with torch.inference_mode():
        found = backbone.module(torch.from_numpy(cropped(backbone, frames)))[0].numpy()
    assert found == pytest.approx(theirs(name, folders[name], frames, "cls"), abs=1e-4)
    assert backbone.digest != HuggingFaceBackbone(str(folders[name])).digest


@pytest.mark.parametrize("name", [name for name in TOYS if name != "siglip2"])
def test_openvino_agrees_in_float32(
    name: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    monkeypatch.setattr(engines, "_multiplies_bfloat16", lambda: False)
    backbone = HuggingFaceBackbone(str(folders[name]))
    frames = frames_for(backbone)
    engine = make_engine("openvino", backbone)
    assert type(engine).__name__ == "OpenVinoEngine"
    found = engine(cropped(backbone, frames))[0]
    assert found == pytest.approx(theirs(name, folders[name], frames), abs=1e-4)


def test_a_network_that_openvino_cannot_take_is_run_by_torch_and_that_is_said_and_noted(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    extractor = FeatureExtractor(FeatureOptions(str(folders["siglip2"]), "openvino"))
    noted = extractor.provenance()
    assert (noted["engine"], noted["precision"]) == ("torch", "float32")
    assert "OpenVINO cannot take this network, torch runs it: " in caplog.text
    backbone = extractor.backbone
    clip = cropped(backbone, frames_for(backbone))
    plain = make_engine("torch", backbone)(clip)
    assert (extractor._engine()(clip) == plain).all()


@pytest.mark.parametrize("name", TOYS)
def test_sizes_and_scaling_are_the_processors(name: str, folders: dict[str, Path]) -> None:
    backbone = HuggingFaceBackbone(str(folders[name]))
    wanted = backbone.preprocessing
    shorter = TOYS[name].sizes.get("size", {}).get("shortest_edge") or name == "vjepa2"
    squeezed = not shorter and name != "siglip2"
    resize = 36 if shorter else SIDE
    assert wanted.size == FrameSize(resize, SIDE, squeezed)
    assert wanted.frames == (8 if name == "vjepa2" else 4)
    assert wanted.at_most == (name not in VIDEOS or name == "vjepa2")
    grey = np.full((wanted.frames, resize, resize, 3), 51, np.uint8)
    processor = getattr(transformers, TOYS[name].processor).from_pretrained(folders[name])
    made = processed(processor, grey)
    seen = next(value for key, value in made.items() if key.startswith("pixel_values"))
    scaled = (0.2 - np.array(wanted.mean)) / np.array(wanted.std)
    rows = seen.reshape(-1, 3) if name == "siglip2" else seen.flatten(0, -4)[:, :, 5, 5]
    assert rows.numpy() == pytest.approx(np.broadcast_to(scaled, rows.shape), abs=1e-4)


@pytest.mark.parametrize("name", ["videomae", "vjepa2", "resnet"])
def test_a_network_without_a_summary_says_so(name: str, folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=f"is a {name}, which has no summary: use --pooling mean"):
        _ = HuggingFaceBackbone(str(folders[name]), pooling="cls").preprocessing


def test_a_random_pooler_that_is_not_used_does_not_change_the_digest(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders["vit"], tmp_path / "vit")
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("pooler")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    digests = {HuggingFaceBackbone(str(path)).digest for path in (folder, folder, folders["vit"])}
    assert len(digests) == 1


def test_missing_weights_are_never_made_up(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["clip"], tmp_path / "clip")
    weights = load_file(folder / "model.safetensors")
    gone = next(name for name in sorted(weights) if "vision_model.encoder" in name)
    del weights[gone]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"clip lacks weights, first .*: fetch it again"):
        _ = HuggingFaceBackbone(str(folder)).module


def change(folder: Path, name: str, **settings: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_no_code_of_a_model_is_run(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["vit"], tmp_path / "vit")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    change(folder, "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
    with pytest.raises(InputError, match="vit cannot be read"):
        _ = HuggingFaceBackbone(str(folder)).preprocessing
    assert not (tmp_path / "ran").exists()


def test_a_pickled_program_is_not_run(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["vit"], tmp_path / "vit")
    (folder / "model.safetensors").unlink()

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"a": Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="vit cannot be read"):
        _ = HuggingFaceBackbone(str(folder)).module
    assert not (tmp_path / "ran").exists()


def test_what_is_not_there_or_cannot_look_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"hf:owner has no name: write hf:OWNER/NAME"):
        find_backbone("hf:owner")
    folder = shutil.copytree(folders["vit"], tmp_path / "vit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="vit cannot be read"):
        _ = find_backbone(str(folder)).preprocessing
    change(folder, "config.json", model_type="bert")
    with pytest.raises(InputError, match=r"vit is a bert; the networks that can look are videomae"):
        _ = find_backbone(str(folder)).preprocessing
    with pytest.raises(InputError, match="--pooling cls is for networks of transformers and timm"):
        find_backbone("random:0", "cls")


def test_a_name_on_the_hub_and_its_revision_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None, bool]] = []

    def refuse(source: str, revision: str | None, trust_remote_code: bool) -> None:
        asked.append((source, revision, trust_remote_code))
        raise OSError("we are offline\nand so on")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", refuse)
    for weights in ("hf:facebook/vjepa2", "hf:facebook/vjepa2@main"):
        with pytest.raises(InputError, match=r"facebook/vjepa2 cannot be read \(we are offline\):"):
            _ = find_backbone(weights).preprocessing
    assert asked == [("facebook/vjepa2", None, False), ("facebook/vjepa2", "main", False)]


def test_the_pooling_is_noted_and_asked_for_again(folders: dict[str, Path]) -> None:
    plain = FeatureOptions(str(folders["vit"]), "torch")
    pooled = FeatureOptions(str(folders["vit"]), "torch", pooling="cls")
    noted = [FeatureExtractor(options).provenance() for options in (plain, pooled)]
    assert "pooling" not in noted[0] and noted[1]["pooling"] == "cls"
    assert noted[0]["weights_digest"] != noted[1]["weights_digest"]
    assert [FeatureOptions.as_before(each).pooling for each in noted] == ["mean", "cls"]
    assert (noted[0]["resize"], noted[0]["crop"], noted[0]["width"]) == (SIDE, SIDE, 24)
