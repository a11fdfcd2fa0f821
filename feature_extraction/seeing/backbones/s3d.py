"""S3D, the network that VideoBERT sees with, as torchvision builds it.

Xie et al., "Rethinking Spatiotemporal Feature Learning", ECCV 2018. A feature is the last feature map, [1024, 4, 7, 7],
averaged over time and space: VideoBERT (section 4.1) takes it before the classifier.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

KYLEMIN_PARTS = {
    "0": "conv",
    "1": "bn",
    "0.0": "conv_s",
    "0.1": "bn_s",
    "1.0": "conv_t",
    "1.1": "bn_t",
}
"""Names of what torchvision numbers: a convolution and its normalisation, or a spatial pair and a temporal pair."""


def pooled_s3d() -> torch.nn.Module:
    """S3D without its classifier: float32 [batch, 3, 30, 224, 224], scaled, to float32 [batch, 1024]."""
    from torch.nn import Identity
    from torchvision.models.video import s3d

    network = (
        s3d()
    )  # ends in a mean over time and space: nothing before it, and that mean is the feature
    network.avgpool, network.classifier = Identity(), Identity()
    return network


def kylemin_key(key: str) -> str:
    """What github.com/kylemin/S3D calls a parameter of torchvision's S3D: the same network under other names.

    >>> kylemin_key("features.5.branch1.1.0.1.weight")
    'base.5.branch1.1.bn_s.weight'
    """
    key = key.replace(
        "branch0.", "branch0.0."
    )  # theirs is a sequence of one, torchvision's is that one
    place = r"features\.(\d+(?:\.branch\d\.\d)?)"
    return re.sub(
        rf"{place}\.(\d(?:\.\d)?)\.",
        lambda match: f"base.{match[1]}.{KYLEMIN_PARTS[match[2]]}.",
        key,
    )
