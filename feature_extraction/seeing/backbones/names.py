"""What ``--weights`` may be: the one place where a name becomes a backbone."""

from __future__ import annotations

from pathlib import Path

from feature_extraction.seeing.backbones.backbone import Backbone, Published, PublishedBackbone
from feature_extraction.seeing.backbones.huggingface import (
    PREFIX,
    huggingface_backbone,
    is_folder,
)
from feature_extraction.seeing.backbones.own import (
    factory_backbone,
    is_factory,
    offered_backbone,
)
from feature_extraction.seeing.backbones.pytorchvideo import MODELS, published_model
from feature_extraction.seeing.backbones.s3d import HOWTO100M, KINETICS400, KYLEMIN, untrained_s3d
from feature_extraction.seeing.backbones.timm_networks import (
    LITE0,
    lite0_backbone,
    timm_backbone,
)
from feature_extraction.seeing.backbones.timm_networks import PREFIX as TIMM
from feature_extraction.seeing.weights import cached_file, fetched_file, layout_of, read_state
from workfolder.errors import InputError

URLS = {
    # torchvision's S3D_Weights.KINETICS400_V1.
    "kinetics400": "https://download.pytorch.org/models/s3d-d76dad2f.pth",
    "howto100m": "https://www.rocq.inria.fr/cluster-willow/amiech/howto100m/s3d_howto100m.pth",
    **{name: model.url for name, model in MODELS.items()},
}
KYLEMIN_FILE = "S3D_kinetics400.pt"
S3D = {"kinetics400": KINETICS400, "kylemin": KYLEMIN, "howto100m": HOWTO100M}
RECOGNISED = {network.layout: network for network in S3D.values()}
"""Layouts that a file's keys give away. PyTorchVideo's leave the model open, so it is named."""


def find_backbone(weights: str, pooling: str = "mean") -> Backbone:
    """Return the backbone of a name; its weights are read when they are first asked for.

    Args:
        weights: one of

            - ``kinetics400``: torchvision's S3D, from torch's cache or the network.
            - ``kylemin``: the S3D of github.com/kylemin/S3D, also of Kinetics-400, from torch's
              cache alone. Frames are squeezed to 256 and cropped to 224 as torchvision's are. The
              repository's sample frames are 224 already, and it names no resizing.
            - ``howto100m``: the S3D-G of Miech et al., from torch's cache or the network.
            - ``random:SEED``: torchvision's S3D before any training. ``random:SEED:SIDE``
              takes pictures of SIDE x SIDE pixels.
            - the path of a state dict in one of these layouts, told from its keys.
            - a name of pytorchvideo.MODELS, from torch's cache or the network, or
              ``NAME:random:SEED``, or ``NAME:FILE``.
            - ``hf:OWNER/NAME``, ``hf:OWNER/NAME@REVISION`` or a folder: see huggingface.py.
            - ``timm:NAME``, ``timm:NAME:FILE`` or ``timm:NAME:random:SEED``, or
              ``efficientnet_lite0``: see timm_networks.py.
            - the name of an entry point, or ``package.module:factory``: see own.py.
        pooling: how a network of transformers makes one vector of many: ``mean`` or ``cls``.

    Raises:
        InputError: if it is none of these.
    """
    if weights.startswith(PREFIX) or is_folder(weights):
        return huggingface_backbone(weights, pooling)
    if weights.startswith(TIMM):
        return timm_backbone(weights, pooling)
    if weights == LITE0:
        return lite0_backbone(pooling)
    if pooling != "mean":
        raise InputError(
            f"--pooling {pooling} is for networks of transformers and timm, not for {weights}"
        )
    name, _, given = weights.partition(":")
    if name in MODELS:
        return PublishedBackbone(published_model(name), given or name, find_weights)
    if name == "random":
        return PublishedBackbone(untrained_s3d(weights), weights, find_weights)
    if weights not in S3D and not Path(weights).exists():
        if offered := offered_backbone(weights):
            return offered
        if is_factory(weights):
            return factory_backbone(weights)
    published = S3D.get(weights) or _recognised(find_weights(weights))
    return PublishedBackbone(published, weights, find_weights)


def runs_other_code(weights: str) -> bool:
    """Tell whether a name is that of a function outside this project, which would be called."""
    ours = (*MODELS, "random", PREFIX.rstrip(":"), TIMM.rstrip(":"))
    return weights.partition(":")[0] not in ours and is_factory(weights)


def find_weights(source: str) -> Path:
    """Return the file of a published name, fetched into torch's cache where needed, or of a path.

    Raises:
        InputError: if it cannot be had.
    """
    if source in URLS:
        return fetched_file(source, URLS[source])
    path = cached_file(KYLEMIN_FILE) if source == "kylemin" else Path(source)
    if path.is_file():
        return path
    if source == "kylemin":
        raise InputError(
            f"{path} does not exist: a program cannot fetch it, so follow the link to "
            f"{KYLEMIN_FILE} at https://github.com/kylemin/S3D in a browser and put the file there"
        )
    names = ", ".join(URLS)
    published = f"{LITE0}, hf:OWNER/NAME, timm:NAME"
    others = f"{published}, package.module:factory, a file or a folder of transformers"
    advice = f"--weights takes {names}, kylemin, random:SEED, {others}"
    raise InputError(f"{path} does not exist: {advice}")


def _recognised(path: Path) -> Published:
    """Return the network to which most of the keys in a file belong."""
    namings = {layout: network.naming for layout, network in RECOGNISED.items()}
    return RECOGNISED[layout_of(read_state(path), path, namings)]
