"""The S3D family: torchvision's network, the same one as kylemin names it, and the gated one.

Xie et al., "Rethinking Spatiotemporal Feature Learning", ECCV 2018. A feature is the last feature
map, [1024, 4, 7, 7], averaged over time and space: VideoBERT (section 4.1) takes it before the
classifier.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from feature_extraction.seeing.backbones.backbone import Preprocessing, Published
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.weights import Naming
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

WIDTH = 1024
KYLEMIN_PARTS = {
    "0": "conv",
    "1": "bn",
    "0.0": "conv_s",
    "0.1": "bn_s",
    "1.0": "conv_t",
    "1.1": "bn_t",
}
"""Names for torchvision's numbers: a convolution and its normalisation, in space and in time."""


def pooled_s3d() -> torch.nn.Module:
    """Build S3D without its classifier, from scaled [batch, 3, 30, 224, 224] to [batch, 1024]."""
    from torch.nn import Identity
    from torchvision.models.video import s3d

    network = s3d()
    # It ends in a mean over time and space. With nothing before it, that mean is the feature.
    network.avgpool, network.classifier = Identity(), Identity()
    return network


def kylemin_key(key: str) -> str:
    """Return what github.com/kylemin/S3D calls a parameter of torchvision's S3D.

    >>> kylemin_key("features.5.branch1.1.0.1.weight")
    'base.5.branch1.1.bn_s.weight'
    """
    key = key.replace("branch0.", "branch0.0.")  # theirs is a sequence with one item
    place = r"features\.(\d+(?:\.branch\d\.\d)?)"
    return re.sub(
        rf"{place}\.(\d(?:\.\d)?)\.",
        lambda match: f"base.{match[1]}.{KYLEMIN_PARTS[match[2]]}.",
        key,
    )


def _gated_s3d() -> torch.nn.Module:
    from feature_extraction.seeing.backbones.s3d_gated import GatedS3D  # imports torch

    return GatedS3D()


KINETICS400 = Published(
    "torchvision",
    pooled_s3d,
    # The transform of torchvision's S3D_Weights.KINETICS400_V1.
    Preprocessing(
        FrameSize(resize=256, crop=224, squeeze=True),
        mean=(0.43216, 0.394666, 0.37645),
        std=(0.22803, 0.22145, 0.216989),
    ),
    WIDTH,
    Naming(r"features\.", r"classifier\."),
)
KYLEMIN = Published(
    "kylemin",
    pooled_s3d,
    # main.py of github.com/kylemin/S3D: (2 x - 255) / 255.
    Preprocessing(FrameSize(resize=256, crop=224, squeeze=True), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    WIDTH,
    Naming(r"base\.", r"fc\.", kylemin_key),
)
HOWTO100M = Published(
    "howto100m",
    _gated_s3d,
    # The readme of github.com/antoine77340/S3D_HowTo100M: 0..1. The loaders of its sister
    # MIL-NCE_HowTo100M: 224, the middle square scaled.
    Preprocessing(FrameSize(resize=224, crop=224, squeeze=False), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    WIDTH,
    Naming(r"conv1\.|conv_2|gating\.|mixed_", r"fc\.|text_module\."),
)
SMALLEST_SIDE = 32
"""Pixels. S3D's last map of features is smaller by this factor."""


def untrained_s3d(source: str) -> Published:
    """Return torchvision's S3D before any training, for pictures as large as ``source`` says.

    Weights that were trained want the pictures they were trained on. Random ones take any, and
    S3D's time falls with the square of their side.

    Args:
        source: ``random:SEED``, or ``random:SEED:SIDE``. SIDE is in pixels, in place of 224.

    Raises:
        InputError: if it is neither, or S3D cannot take such pictures.
    """
    found = re.fullmatch(r"random:[^:]*(?::(\d{1,4}))?", source)
    if not found:
        raise InputError(f"{source!r} is not random:SEED or random:SEED:SIDE")
    if found[1] is None:
        return KINETICS400
    side, whole = int(found[1]), KINETICS400.preprocessing
    if side < SMALLEST_SIDE:
        raise InputError(f"{source!r}: S3D needs a side of at least {SMALLEST_SIDE} pixels")
    resize = round(side * whole.size.resize / whole.size.crop)
    size = FrameSize(resize, side, whole.size.squeeze)
    return replace(KINETICS400, preprocessing=replace(whole, size=size))
