"""Weights: the file they lie in, how it spells them, and that they fit a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from feature_extraction.seeing.backbones.pytorchvideo import MODELS
from feature_extraction.seeing.backbones.s3d import kylemin_key
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]

URLS = {
    "kinetics400": "https://download.pytorch.org/models/s3d-d76dad2f.pth",  # torchvision's S3D_Weights.KINETICS400_V1
    "howto100m": "https://www.rocq.inria.fr/cluster-willow/amiech/howto100m/s3d_howto100m.pth",
    **{name: model.url for name, model in MODELS.items()},
}
KYLEMIN_FILE = "S3D_kinetics400.pt"


@dataclass(frozen=True)
class Naming:
    """How a published file spells the parameters of a network.

    Attributes:
        own: how the keys of the network begin, as a regular expression.
        beside: how the keys begin that may be there and are left out: the classifier, a tower for text.
        spell: the file's key for one of our network's.
    """

    own: str
    beside: str
    spell: Callable[[str], str] = str


NAMINGS = {
    "torchvision": Naming(r"features\.", r"classifier\."),
    "kylemin": Naming(r"base\.", r"fc\.", kylemin_key),
    "howto100m": Naming(r"conv1\.|conv_2|gating\.|mixed_", r"fc\.|text_module\."),
    "pytorchvideo": Naming(
        r"blocks\.", r"blocks\.\d+\.proj\.", lambda key: key.removeprefix("network.")
    ),
}
RECOGNISED = ("torchvision", "kylemin", "howto100m")
"""Layouts that a file's keys give away; one for PyTorchVideo is named with its model, which the keys leave open."""


def find_weights(source: str) -> Path:
    """The file of ``kylemin``, of a name in URLS (fetched into torch's cache if it is not there), or of a path.

    InputError if it cannot be had.
    """
    if source in URLS:
        return _fetched(source, URLS[source])
    path = _cache() / KYLEMIN_FILE if source == "kylemin" else Path(source)
    if path.is_file():
        return path
    if source == "kylemin":
        raise InputError(
            f"{path} does not exist: a program cannot fetch it, so follow the link to {KYLEMIN_FILE} at "
            "https://github.com/kylemin/S3D in a browser and put the file there"
        )
    raise InputError(
        f"{path} does not exist: --weights takes {', '.join(URLS)}, kylemin, random:SEED or a file"
    )


def read_state(path: Path) -> State:
    """The state dict in a file of torch.save, without the ``module.`` that DataParallel puts before every key.

    InputError if it is none, or holds more than tensors: nothing in the file is executed.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # damaged bytes raise anything: IndexError, struct.error, AssertionError
        raise InputError(
            f"{path} is no state dict that is safe to load: save one with torch.save(model.state_dict())"
        ) from error
    if isinstance(state, dict):
        state = state.get("model_state", state)  # where PyTorchVideo's files keep it
    if not isinstance(state, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in state.values()
    ):
        raise InputError(
            f"{path} is no state dict of tensors alone: save one with torch.save(model.state_dict())"
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def layout_of(state: State, path: Path) -> str:
    """The layout among RECOGNISED to which most of the keys belong; InputError if none does."""
    shares = {
        layout: sum(bool(re.match(NAMINGS[layout].own, name)) for name in state)
        for layout in RECOGNISED
    }
    layout = max(shares, key=shares.__getitem__)
    if not shares[layout]:
        few = ", ".join(sorted(state)[:3]) or "none"
        raise InputError(
            f"{path} is no state dict of {', '.join(RECOGNISED)}: its first keys are {few}"
        )
    return layout


def load_weights(network: torch.nn.Module, path: Path, layout: str) -> None:
    """Give ``network`` the weights of a file in that layout; InputError if a key is missing, unknown or of another shape."""
    naming, own = NAMINGS[layout.partition(":")[0]], parameters(network.state_dict())
    state = {
        name: tensor
        for name, tensor in parameters(read_state(path)).items()
        if not re.match(naming.beside, name)
    }
    wanted = {naming.spell(name): name for name in own}
    if few := ", ".join(sorted(state.keys() ^ wanted.keys())[:3]):
        raise InputError(f"{path} is no state dict of {layout}: the keys differ, first {few}")
    for spelled, name in wanted.items():
        if state[spelled].shape != own[name].shape:
            shapes = f"{list(state[spelled].shape)}, it has to be {list(own[name].shape)}"
            raise InputError(f"{path} does not fit {layout}: {spelled} is {shapes}")
    network.load_state_dict({name: state[spelled] for spelled, name in wanted.items()})


def parameters(state: State) -> State:
    """What decides a feature: all but the counters of training steps, which old files lack."""
    return {
        name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }


def randomise(network: torch.nn.Module, seed: int) -> None:
    """He et al. (2015) initialisation: the signal keeps its size through 20 layers of ReLU, so features stay apart."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


def _cache() -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def _fetched(name: str, url: str) -> Path:
    import torch

    path = _cache() / url.rpartition("/")[2]
    digest = re.search(
        r"-([0-9a-f]{8,})\.", path.name
    )  # torch's custom: a file's name ends in its SHA-256
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), digest and digest[1], progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        raise InputError(
            f"{path}, the weights {name}, is not there and cannot be fetched ({error}): fetch {url} elsewhere and put it "
            "there, or use random:0 to try things out"
        ) from error
    return path
