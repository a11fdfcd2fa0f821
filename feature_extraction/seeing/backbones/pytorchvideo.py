"""Backbones of PyTorchVideo, trained on Kinetics-400; they need the extra ``pytorchvideo``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from feature_extraction.schema import CLIP_FRAMES
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

WIDTH = 2048
ZOO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"


@dataclass(frozen=True)
class Model:
    """A model of pytorchvideo.models.hub that takes one tensor.

    Attributes:
        frames: how many of a clip's it looks at.
        resize: the shorter side, as in the model's page on PyTorch Hub.
        crop: what its last pooling is made for, so that one vector leaves it.
        url: its weights.
    """

    frames: int
    resize: int
    crop: int
    url: str


MODELS = {
    "slow_r50": Model(8, 256, 224, f"{ZOO}/SLOW_8x8_R50.pyth"),
    "c2d_r50": Model(8, 256, 224, f"{ZOO}/C2D_8x8_R50.pyth"),
    "i3d_r50": Model(8, 256, 224, f"{ZOO}/I3D_8x8_R50.pyth"),
    "x3d_s": Model(13, 182, 160, f"{ZOO}/X3D_S.pyth"),
    "x3d_m": Model(16, 256, 224, f"{ZOO}/X3D_M.pyth"),
}


def thinned_network(name: str) -> torch.nn.Module:
    """A model of MODELS without its classifier: float32 [batch, 3, 30, crop, crop], scaled, to float32 [batch, 2048].

    It sees its own number of the 30 frames, evenly apart. InputError if the extra is missing.
    """
    import torch

    class Thinned(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = _without_classifier(name)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.network(pixels[:, :, evenly(MODELS[name].frames)])

    return Thinned()


def evenly(count: int) -> list[int]:
    """Which of a clip's frames to look at, the first and the last among them, as UniformTemporalSubsample has it."""
    return [number * (CLIP_FRAMES - 1) // (count - 1) for number in range(count)]


def _without_classifier(name: str) -> torch.nn.Module:
    from torch.nn import AvgPool3d, Identity

    try:
        from pytorchvideo.models import hub
    except ImportError as error:
        raise InputError(
            f"the backbone {name!r} is not installed: pip install 'videobert[pytorchvideo]'"
        ) from error
    network = getattr(hub, name)(pretrained=False)
    head = network.blocks[-1]
    head.proj, head.activation = Identity(), None
    for pool in head.modules():
        if isinstance(pool, AvgPool3d):
            frames, height, width = cast("tuple[int, int, int]", pool.kernel_size)
            pool.kernel_size = (
                int(frames),
                height,
                width,
            )  # X3D's is numpy's: torch.compile fails on it
    return network
