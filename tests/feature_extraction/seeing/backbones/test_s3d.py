"""The networks against what was published of them, written here a second time in another way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv3d, linear, max_pool3d, pad
from torchvision.models.video import s3d

from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.backbones.s3d import kylemin_key
from feature_extraction.seeing.backbones.s3d_gated import GatedS3D, space_to_depth

State = dict[str, Tensor]

GOOGLENET = [
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
]
KYLEMIN_BLOCKS = dict(zip([5, 6, 8, 9, 10, 11, 12, 14, 15], GOOGLENET, strict=True))


def normalisation(name: str, width: int) -> Iterator[tuple[str, list[int]]]:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", [width]
    yield f"{name}.num_batches_tracked", []


def basic(name: str, inputs: int, width: int) -> Iterator[tuple[str, list[int]]]:
    yield f"{name}.conv.weight", [width, inputs, 1, 1, 1]
    yield from normalisation(f"{name}.bn", width)


def separable(name: str, inputs: int, width: int, kernel: int) -> Iterator[tuple[str, list[int]]]:
    yield f"{name}.conv_s.weight", [width, inputs, 1, kernel, kernel]
    yield from normalisation(f"{name}.bn_s", width)
    yield f"{name}.conv_t.weight", [width, width, kernel, 1, 1]
    yield from normalisation(f"{name}.bn_t", width)


def kylemin_shapes() -> Iterator[tuple[str, list[int]]]:
    """Key and shape of everything in kylemin's file, in its order."""
    yield from separable("base.0", 3, 64, 7)
    yield from basic("base.2", 64, 64)
    yield from separable("base.3", 64, 192, 3)
    inputs = 192
    for place, (b0, b1_narrow, b1, b2_narrow, b2, b3) in KYLEMIN_BLOCKS.items():
        yield from basic(f"base.{place}.branch0.0", inputs, b0)
        yield from basic(f"base.{place}.branch1.0", inputs, b1_narrow)
        yield from separable(f"base.{place}.branch1.1", b1_narrow, b1, 3)
        yield from basic(f"base.{place}.branch2.0", inputs, b2_narrow)
        yield from separable(f"base.{place}.branch2.1", b2_narrow, b2, 3)
        yield from basic(f"base.{place}.branch3.1", inputs, b3)
        inputs = b0 + b1 + b2 + b3
    yield from [("fc.0.weight", [400, 1024, 1, 1, 1]), ("fc.0.bias", [400])]


def filled(shapes: dict[str, list[int]]) -> State:
    """Random numbers under which a signal keeps its size from layer to layer."""
    generator = torch.Generator().manual_seed(5)
    state = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        if name.endswith(
            ("running_var", "bn_s.weight", "bn_t.weight", "bn.weight", "bn1.weight", "bn2.weight")
        ):
            state[name] = 1 + 0.2 * noise.clamp(-2, 2)
        else:
            state[name] = noise * (math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.1)
    return state


def normalised(x: Tensor, state: State, name: str, eps: float) -> Tensor:
    mean, var, weight, bias = (
        state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return batch_norm(x, mean, var, weight, bias, eps=eps).relu()


def kylemin_feature(state: State, pixels: Tensor) -> Tensor:
    """kylemin/S3D up to the mean over its last map, straight from a file's keys."""

    def layer(x: Tensor, name: str, stride: int = 1) -> Tensor:
        if f"{name}.conv.weight" in state:
            return normalised(conv3d(x, state[f"{name}.conv.weight"]), state, f"{name}.bn", 1e-3)
        half = state[f"{name}.conv_t.weight"].shape[2] // 2
        x = conv3d(
            x, state[f"{name}.conv_s.weight"], stride=(1, stride, stride), padding=(0, half, half)
        )
        x = normalised(x, state, f"{name}.bn_s", 1e-3)
        x = conv3d(x, state[f"{name}.conv_t.weight"], stride=(stride, 1, 1), padding=(half, 0, 0))
        return normalised(x, state, f"{name}.bn_t", 1e-3)

    x = max_pool3d(layer(pixels, "base.0", stride=2), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    x = max_pool3d(layer(layer(x, "base.2"), "base.3"), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for place in KYLEMIN_BLOCKS:
        x = {8: max_pool3d(x, 3, 2, 1), 14: max_pool3d(x, 2, 2)}.get(place, x)
        name = f"base.{place}.branch"
        b1, b2 = (layer(layer(x, f"{name}{branch}.0"), f"{name}{branch}.1") for branch in (1, 2))
        x = torch.cat(
            [layer(x, f"{name}0.0"), b1, b2, layer(max_pool3d(x, 3, 1, 1), f"{name}3.1")], dim=1
        )
    return x.mean((2, 3, 4))


def howto100m_feature(state: State, pixels: Tensor) -> Tensor:
    """mixed_5c of antoine77340/S3D_HowTo100M, straight from a file's keys."""

    def layer(x: Tensor, name: str) -> Tensor:
        for part in "12":
            if f"{name}.conv{part}.weight" in state:
                kernel = state[f"{name}.conv{part}.weight"]
                x = conv3d(x, kernel, padding=[size // 2 for size in kernel.shape[2:]])
                x = normalised(x, state, f"{name}.bn{part}", 1e-5)
        return x

    def gated(x: Tensor, name: str) -> Tensor:
        weights = linear(
            x.mean((2, 3, 4)), state[f"{name}.fc.weight"], state[f"{name}.fc.bias"]
        ).sigmoid()
        return torch.einsum("bcthw,bc->bcthw", x, weights)

    def block(x: Tensor, name: str) -> Tensor:
        b1, b2 = (
            layer(layer(x, f"{name}.conv_b{branch}_a"), f"{name}.conv_b{branch}_b")
            for branch in (1, 2)
        )
        branches = [
            layer(x, f"{name}.conv_b0"),
            b1,
            b2,
            layer(max_pool3d(x, 3, 1, 1), f"{name}.conv_b3_b"),
        ]
        return torch.cat(
            [gated(x, f"{name}.gating_b{number}") for number, x in enumerate(branches)], dim=1
        )

    x = layer(depth(pixels), "conv1")[:, :, 1:, 1:, 1:]
    x = layer(
        layer(max_pool3d(pad(x, (0, 1, 0, 1)), (1, 3, 3), (1, 2, 2), ceil_mode=True), "conv_2b"),
        "conv_2c",
    )
    x = max_pool3d(pad(gated(x, "gating"), (0, 1, 0, 1)), (1, 3, 3), (1, 2, 2), ceil_mode=True)
    x = block(block(x, "mixed_3b"), "mixed_3c")
    x = max_pool3d(pad(x, (0, 1, 0, 1, 0, 1)), 3, 2, ceil_mode=True)
    for letter in "bcdef":
        x = block(x, f"mixed_4{letter}")
    return block(block(max_pool3d(x, 2, 2, ceil_mode=True), "mixed_5b"), "mixed_5c").mean((2, 3, 4))


def depth(pixels: Tensor) -> Tensor:
    """Space to depth as it was published."""
    batch, channels, time, height, width = pixels.shape
    blocks = pixels.view(batch, channels, time // 2, 2, height // 2, 2, width // 2, 2).permute(
        0, 3, 5, 7, 1, 2, 4, 6
    )
    return blocks.contiguous().view(batch, -1, time // 2, height // 2, width // 2)


@pytest.fixture(scope="module")
def frames() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 30, 64, 64, 3), np.uint8))


def assert_same(found: Tensor, expected: Tensor) -> None:
    """To six digits of the largest number, and no number alike because all are zero."""
    assert found.shape == expected.shape and found.dtype == torch.float32 and expected.std() > 1e-3
    assert torch.allclose(found, expected, rtol=0, atol=2e-6 * float(expected.abs().max()))


def test_a_feature_is_the_mean_of_torchvisions_last_map(frames: Tensor) -> None:
    module = find_backbone("random:0").module
    pixels = (frames / 255 - torch.tensor((0.43216, 0.394666, 0.37645))) / torch.tensor(
        (0.22803, 0.22145, 0.216989)
    )
    with torch.inference_mode():
        map_ = module.network.features(pixels.permute(0, 4, 1, 2, 3))
        assert map_.shape == (2, 1024, 4, 2, 2)
        assert_same(module(frames), map_.mean((2, 3, 4)))


def test_kylemin_names_the_parameters_of_torchvisions_network_in_the_same_order() -> None:
    ours, theirs = s3d().state_dict(), dict(kylemin_shapes())
    assert [list(tensor.shape) for tensor in ours.values()] == list(theirs.values())
    features = [name for name in ours if name.startswith("features.")]
    assert [kylemin_key(name) for name in features] == [
        name for name in theirs if name.startswith("base.")
    ]


def test_torchvisions_and_kylemins_classifiers_have_the_published_number_of_parameters() -> None:
    learned = {
        name: shape
        for name, shape in kylemin_shapes()
        if not name.endswith(("mean", "var", "tracked"))
    }
    assert sum(math.prod(shape) for shape in learned.values()) == 8_320_048
    assert sum(parameter.numel() for parameter in s3d().parameters()) == 8_320_048


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_of_kylemins_computes_what_its_layout_says(
    prefix: str, frames: Tensor, tmp_path: Path
) -> None:
    state = filled(dict(kylemin_shapes()))
    torch.save({prefix + name: tensor for name, tensor in state.items()}, tmp_path / "s3d.pt")
    backbone = find_backbone(str(tmp_path / "s3d.pt"))
    assert backbone.layout == "kylemin"
    with torch.inference_mode():
        pixels = ((2.0 * frames - 255) / 255).permute(0, 4, 1, 2, 3)
        assert_same(backbone.module(frames), kylemin_feature(state, pixels))


@pytest.mark.parametrize(
    "beside", [{}, {"text_module.fc1.weight": [8, 3], "fc.weight": [512, 1024], "fc.bias": [512]}]
)
def test_a_file_of_howto100ms_computes_what_its_layout_says(
    beside: dict[str, list[int]], frames: Tensor, tmp_path: Path
) -> None:
    state = filled(
        {name: list(tensor.shape) for name, tensor in GatedS3D().state_dict().items()} | beside
    )
    torch.save(state, tmp_path / "s3d_howto100m.pth")
    backbone = find_backbone(str(tmp_path / "s3d_howto100m.pth"))
    assert backbone.layout == "howto100m"
    with torch.inference_mode():
        pixels = (frames / 255).permute(0, 4, 1, 2, 3)
        assert_same(backbone.module(frames), howto100m_feature(state, pixels.contiguous()))


def test_the_gated_network_spells_its_keys_as_published() -> None:
    keys = set(GatedS3D().state_dict())
    assert {
        "conv1.conv1.weight",
        "conv_2c.bn2.running_var",
        "gating.fc.bias",
        "mixed_4f.conv_b1_b.conv2.weight",
    } <= keys
    assert {"mixed_5c.gating_b3.fc.weight", "mixed_3b.conv_b3_b.bn1.num_batches_tracked"} <= keys
    blocks = {name.partition(".")[0] for name in keys if name.startswith("mixed_")}
    assert blocks == {f"mixed_{name}" for name in "3b 3c 4b 4c 4d 4e 4f 5b 5c".split()}


def test_space_to_depth_orders_its_channels_as_published() -> None:
    pixels = torch.arange(2 * 3 * 4 * 6 * 8.0).view(2, 3, 4, 6, 8)
    assert torch.equal(space_to_depth(pixels), depth(pixels))
