"""A backbone: a network that turns a clip into a feature, its weights and the pixels it wants.

A network of one's own needs the four members of Backbone. NetworkBackbone has them for any module;
names.find_backbone finds it by an entry point, or as package.module:factory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.weights import Naming, load_weights, parameters, randomise, seed_of

if TYPE_CHECKING:
    import torch

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """How the frames of a clip become a network's input.

    Attributes:
        size: how a frame is resized and cropped.
        mean: taken from red, green and blue, once they are scaled to 0..1.
        std: what they are divided by then.
        frames: how many frames of a clip the network looks at; None for all that it has.
        at_most: the network takes fewer frames, too, where a clip has fewer.
    """

    size: FrameSize
    mean: Triple
    std: Triple
    frames: int | None = None
    at_most: bool = False

    def looked_at(self, clip_frames: int) -> tuple[int, ...]:
        """Return the numbers of the frames that the network looks at, of a clip's frames.

        They are evenly apart, the first and the last among them, as those of PyTorchVideo's
        UniformTemporalSubsample. A single one is the frame in the middle.
        """
        if self.frames is None or (self.at_most and clip_frames <= self.frames):
            return tuple(range(clip_frames))
        if self.frames == 1:
            return (clip_frames // 2,)
        return tuple(
            number * (clip_frames - 1) // (self.frames - 1) for number in range(self.frames)
        )


class Backbone(Protocol):
    """A network with its weights."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to a clip before and inside the module."""

    @property
    def width(self) -> int:
        """How many numbers a feature has."""

    @property
    def module(self) -> torch.nn.Module:
        """A module in evaluation mode: uint8 RGB [batch, frames, crop, crop, 3] to [batch, width].

        ``frames`` are those that Preprocessing.looked_at names.

        Raises:
            InputError: if the weights cannot be had or do not fit.
        """

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, so that features of different weights are never mixed."""


@dataclass(frozen=True)
class Published:
    """A network as its authors published it.

    Attributes:
        layout: a name for how its file spells the parameters.
        build: makes it without a classifier, from scaled [batch, 3, frames, crop, crop] to
            float32 [batch, width].
        preprocessing: what it was trained on.
        width: how many numbers a feature has.
        naming: how its file spells the parameters.
    """

    layout: str
    build: Callable[[], torch.nn.Module]
    preprocessing: Preprocessing
    width: int
    naming: Naming


@dataclass(frozen=True)
class PublishedBackbone:
    """A published network with weights; see Backbone.

    Attributes:
        published: the network.
        source: ``random:SEED``, or the name of the weights for an error message.
        find: returns the file of the weights.
    """

    published: Published
    source: str
    find: Callable[[str], Path]

    @property
    def layout(self) -> str:
        """See Published."""
        return self.published.layout

    @property
    def preprocessing(self) -> Preprocessing:
        """See Backbone."""
        return self.published.preprocessing

    @property
    def width(self) -> int:
        """See Backbone."""
        return self.published.width

    @cached_property
    def module(self) -> torch.nn.Module:
        """See Backbone."""
        network = self.published.build()
        if self.source.startswith("random:"):
            randomise(network, seed_of(self.source))
        else:
            path = self.find(self.source)
            load_weights(network, path, self.layout, self.published.naming)
        return scaled_module(network, self.preprocessing).eval()

    @cached_property
    def digest(self) -> str:
        """See Backbone."""
        return weights_digest(self.module)


@dataclass(frozen=True)
class NetworkBackbone:
    """Any network with its weights; see Backbone.

    Attributes:
        build: makes the network, weights included: from scaled float32 [batch, 3, frames, crop,
            crop] to [batch, width].
        preprocessing: what it wants.
        width: how many numbers a feature has.
    """

    build: Callable[[], torch.nn.Module]
    preprocessing: Preprocessing
    width: int

    @cached_property
    def module(self) -> torch.nn.Module:
        """See Backbone."""
        return scaled_module(self.build(), self.preprocessing).eval()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, and of the number of frames that no other option tells."""
        frames = f"{self.preprocessing.frames} {self.preprocessing.at_most}"
        return hashlib.sha256(f"{weights_digest(self.module)} {frames}".encode()).hexdigest()


def scaled_module(network: torch.nn.Module, preprocessing: Preprocessing) -> torch.nn.Module:
    """Put the scaling of pixels before a network; see Backbone.module."""
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


def weights_digest(module: torch.nn.Module) -> str:
    """Return the SHA-256 of what decides a module's features."""
    sha = hashlib.sha256()
    for name, tensor in sorted(parameters(module.state_dict()).items()):
        sha.update(name.encode() + tensor.numpy().tobytes())
    return sha.hexdigest()
