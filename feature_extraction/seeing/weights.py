"""Weights: the file they lie in, how it spells them, and whether they fit a network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

    State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Naming:
    """How a published file spells the parameters of a network.

    Attributes:
        own: how the keys of the network begin, as a regular expression.
        beside: how keys begin that are left out, such as a classifier's or a text tower's.
        spell: returns the file's key for a key of our network.
    """

    own: str
    beside: str
    spell: Callable[[str], str] = str


def read_state(path: Path) -> State:
    """Read the state dict in a file of torch.save or of safetensors; nothing in it is executed.

    The ``module.`` that DataParallel puts before every key is left out.

    Raises:
        InputError: if the file is damaged, or holds more than tensors.
    """
    import torch

    advice = "fetch it again, or save one with torch.save(model.state_dict())"
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes raise anything: IndexError, struct.error, ...
        reason = "is damaged, or not a state dict that is safe to load"
        raise InputError(f"{path} {reason}: {advice}") from error
    if isinstance(state, dict):
        state = state.get("model_state", state)  # where PyTorchVideo's files keep it
    if not isinstance(state, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in state.values()
    ):
        raise InputError(f"{path} is not a state dict of tensors alone: {advice}")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def layout_of(state: State, path: Path, namings: Mapping[str, Naming]) -> str:
    """Return the layout to which most of the keys belong.

    Args:
        state: what the file holds.
        path: the file, for an error message.
        namings: the layouts to choose from.

    Raises:
        InputError: if no key belongs to any of them.
    """
    shares = {
        layout: sum(bool(re.match(naming.own, name)) for name in state)
        for layout, naming in namings.items()
    }
    layout = max(shares, key=shares.__getitem__)
    if not shares[layout]:
        first = ", ".join(sorted(state)[:3]) or "none"
        known = ", ".join(namings)
        raise InputError(f"{path} is not a state dict of {known}: its first keys are {first}")
    return layout


def load_weights(network: torch.nn.Module, path: Path, layout: str, naming: Naming) -> None:
    """Give a network the weights of a file.

    Raises:
        InputError: if a key is missing, unknown or of another shape.
    """
    own = parameters(network.state_dict())
    state = {
        name: tensor
        for name, tensor in parameters(read_state(path)).items()
        if not re.match(naming.beside, name)
    }
    wanted = {naming.spell(name): name for name in own}
    if few := ", ".join(sorted(state.keys() ^ wanted.keys())[:3]):
        raise InputError(f"{path} is not a state dict of {layout}: the keys differ, first {few}")
    for spelled, name in wanted.items():
        if state[spelled].shape != own[name].shape:
            shapes = f"{list(state[spelled].shape)}, it has to be {list(own[name].shape)}"
            raise InputError(f"{path} does not fit {layout}: {spelled} is {shapes}")
    network.load_state_dict({name: state[spelled] for spelled, name in wanted.items()})


def parameters(state: State) -> State:
    """Return what decides a feature: all but the counters of steps, which old files lack."""
    return {
        name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }


def randomise(network: torch.nn.Module, seed: int) -> None:
    """Initialise a network so that features of different clips stay apart.

    Under the initialisation of He et al. (2015) a signal keeps its size through 20 layers of ReLU.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


def seed_of(source: str) -> int:
    """Return the seed in ``random:SEED``, which a size of the input may follow.

    Raises:
        InputError: if it is not a whole number.
    """
    number = source.removeprefix("random:").partition(":")[0]
    if not number.isdecimal():
        raise InputError(f"{source!r} has no seed: write random:0, or another whole number")
    return int(number)


def cached_file(name: str) -> Path:
    """Return where torch's cache keeps a file of weights."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / name


def fetched_file(name: str, url: str) -> Path:
    """Return a file of weights in torch's cache; fetch it if it is not there.

    The file gets its name when it is there as a whole and can be read.

    Raises:
        InputError: if it cannot be fetched, or what comes is not a state dict.
    """
    import torch

    path = cached_file(url.rpartition("/")[2])
    if path.is_file():
        return path
    # torch's custom: the name of a file ends in the beginning of its SHA-256.
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    advice = f"fetch {url} elsewhere and put it there, or use random:0 to try things out"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(part), digest and digest[1], progress=False)
        read_state(part)  # a connection that ends early raises nothing
        part.replace(path)
    except (OSError, HTTPException, RuntimeError, InputError) as error:
        reason = f"the weights {name}, is not there and cannot be fetched"
        raise InputError(f"{path}, {reason} ({error}): {advice}") from error
    finally:
        part.unlink(missing_ok=True)
    return path
