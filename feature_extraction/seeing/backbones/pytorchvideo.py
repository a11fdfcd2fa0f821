"""Backbones of PyTorchVideo, trained on Kinetics-400; they need the extra ``pytorchvideo``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from feature_extraction.seeing.backbones.backbone import Preprocessing, Published
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.weights import Naming
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

WIDTH = 2048
ZOO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"


@dataclass(frozen=True)
class Model:
    """A model of pytorchvideo.models.hub that takes one tensor.

    Attributes:
        frames: how many of a clip's frames it looks at.
        resize: the shorter side in pixels, as on the model's page on PyTorch Hub.
        crop: the side that its last pooling is made for, so that one vector leaves it.
        url: where its weights are.
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


def published_model(name: str) -> Published:
    """Return a model of MODELS."""
    model = MODELS[name]
    size = FrameSize(resize=model.resize, crop=model.crop, squeeze=False)
    return Published(
        f"pytorchvideo:{name}",
        partial(network_without_classifier, name),
        Preprocessing(size, (0.45, 0.45, 0.45), (0.225, 0.225, 0.225), model.frames),
        WIDTH,
        Naming(r"blocks\.", r"blocks\.\d+\.proj\."),
    )


def network_without_classifier(name: str) -> torch.nn.Module:
    """Build a model of MODELS: float32 [batch, 2048] of scaled [batch, 3, frames, crop, crop].

    Raises:
        InputError: if the extra is missing.
    """
    from torch.nn import AvgPool3d, Identity

    try:
        from pytorchvideo.models import hub
    except ImportError as error:
        advice = "pip install 'videobert[pytorchvideo]'"
        raise InputError(f"the backbone {name!r} is not installed: {advice}") from error
    network = getattr(hub, name)(pretrained=False)
    head = network.blocks[-1]
    head.proj, head.activation = Identity(), None
    for pool in head.modules():
        if isinstance(pool, AvgPool3d):
            frames, height, width = cast("tuple[int, int, int]", pool.kernel_size)
            # X3D's number of frames is one of numpy's, on which torch.compile fails.
            pool.kernel_size = (int(frames), height, width)
    return network
