"""Backbones: networks that turn a 1.5 s clip into one feature, each with its weights and the pixels it wants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from feature_extraction.seeing.backbones import pytorchvideo
from feature_extraction.seeing.backbones.s3d import pooled_s3d
from feature_extraction.seeing.frames import FrameSize
from feature_extraction.seeing.weights import (
    find_weights,
    layout_of,
    load_weights,
    parameters,
    randomise,
    read_state,
)
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Preprocessing:
    """How a frame becomes a network's input.

    Attributes:
        size: how it is resized and cropped.
        mean: what is taken from red, green and blue, once they are scaled to 0..1.
        std: by what they are divided then.
    """

    size: FrameSize
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


S3D_WIDTH = 1024
S3D_PREPROCESSING = {
    # The transform of torchvision's S3D_Weights.KINETICS400_V1.
    "torchvision": Preprocessing(
        size=FrameSize(resize=256, crop=224, squeeze=True),
        mean=(0.43216, 0.394666, 0.37645),
        std=(0.22803, 0.22145, 0.216989),
    ),
    # main.py of github.com/kylemin/S3D: (2 x - 255) / 255.
    "kylemin": Preprocessing(
        FrameSize(resize=256, crop=224, squeeze=True), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    ),
    # The readme of github.com/antoine77340/S3D_HowTo100M: 0..1. The loaders of its sister MIL-NCE_HowTo100M: 224, the
    # middle square scaled.
    "howto100m": Preprocessing(
        FrameSize(resize=224, crop=224, squeeze=False), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    ),
}
NAMED = {"kinetics400": "torchvision", "kylemin": "kylemin", "howto100m": "howto100m"}


@dataclass(frozen=True)
class Backbone:
    """A network with the weights of a name.

    ``weights`` is one of

    - ``kinetics400``: torchvision's S3D, from torch's cache or the network.
    - ``kylemin``: the S3D of github.com/kylemin/S3D, also of Kinetics-400, from torch's cache alone. Frames are squeezed
      to 256 and cropped to 224 as torchvision's are; the repository's sample frames are 224 already, it names no resizing.
    - ``howto100m``: the S3D-G of Miech et al., from torch's cache or the network.
    - ``random:SEED``: torchvision's S3D before any training.
    - the path of a state dict in one of these layouts, which is told from its keys.
    - a name of pytorchvideo_backbones.MODELS, from torch's cache or the network, or ``NAME:random:SEED``, ``NAME:FILE``.
    """

    weights: str

    @cached_property
    def layout(self) -> str:
        """``torchvision``, ``kylemin``, ``howto100m`` or ``pytorchvideo:NAME``; InputError if a file has another."""
        model = self.weights.partition(":")[0]
        if model in pytorchvideo.MODELS:
            return f"pytorchvideo:{model}"
        if self.weights.startswith("random:"):
            return "torchvision"
        if self.weights in NAMED:
            return NAMED[self.weights]
        path = find_weights(self.weights)
        return layout_of(read_state(path), path)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """What is done to a frame before and inside the module; InputError as layout has it."""
        if self.layout in S3D_PREPROCESSING:
            return S3D_PREPROCESSING[self.layout]
        model = pytorchvideo.MODELS[self.layout.partition(":")[2]]
        return Preprocessing(
            FrameSize(resize=model.resize, crop=model.crop, squeeze=False),
            (0.45,) * 3,
            (0.225,) * 3,
        )

    @cached_property
    def width(self) -> int:
        """Numbers in a feature."""
        return S3D_WIDTH if self.layout in S3D_PREPROCESSING else pytorchvideo.WIDTH

    @cached_property
    def module(self) -> torch.nn.Module:
        """A module from uint8 [batch, 30, crop, crop, 3], RGB, to float32 [batch, width], in evaluation mode.

        InputError if the weights cannot be had or do not fit.
        """
        network = _network(self.layout)
        model, _, given = self.weights.partition(":")
        source = (given or model) if model in pytorchvideo.MODELS else self.weights
        if source.startswith("random:"):
            randomise(network, _seed(source))
        else:
            load_weights(network, find_weights(source), self.layout)
        return _scaled(network, self.preprocessing).eval()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, so that features of different weights are never mixed."""
        sha = hashlib.sha256()
        for name, tensor in sorted(parameters(self.module.state_dict()).items()):
            sha.update(name.encode() + tensor.numpy().tobytes())
        return sha.hexdigest()


def _network(layout: str) -> torch.nn.Module:
    """The network of a layout: scaled float32 [batch, 3, 30, crop, crop] to float32 [batch, width]."""
    if layout.startswith("pytorchvideo:"):
        return pytorchvideo.thinned_network(layout.partition(":")[2])
    if layout == "howto100m":
        from feature_extraction.seeing.backbones.s3d_gated import GatedS3D  # imports torch

        return GatedS3D()
    return pooled_s3d()


def _scaled(network: torch.nn.Module, preprocessing: Preprocessing) -> torch.nn.Module:
    """``network`` behind the scaling of pixels."""
    import torch

    class Scaled(torch.nn.Module):
        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("mean", 255 * torch.tensor(preprocessing.mean), persistent=False)
            self.register_buffer("std", 255 * torch.tensor(preprocessing.std), persistent=False)

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            pixels = (frames.float() - self.mean) / self.std
            return self.network(pixels.permute(0, 4, 1, 2, 3))

    return Scaled()


def _seed(source: str) -> int:
    number = source.removeprefix("random:")
    if not number.isdecimal():
        raise InputError(f"{source!r} has no seed: write random:0, or another whole number")
    return int(number)
