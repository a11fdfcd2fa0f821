"""Tuning that begins with what other labels taught: ``--model MODEL/tasks/X``.

The new task lies in MODEL/tasks, too, and needs X no longer: BEGAN_FILE holds the weights with
which it began and MODEL has not. LoRA is added to the weights that it changed. Adapters cannot be,
so nothing begins with them. A head of the same task and the same labels goes on as it is (Liu et
al., 2019, "MT-DNN", tune on each task what all tasks taught).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from videobert.finetune.network import ENCODER, TaskNetwork
from videobert.finetune.options import FOLDER, OPTIONS_FILE
from videobert.finetune.tasks.task import Task
from videobert.finetune.tuned import BEGAN_FILE, Tuned, load_tuned, task_folder
from videobert.joint_network import JointNetwork
from videobert.loading import TrainedModel, load_model
from workfolder.digests import DIGESTS_FILE
from workfolder.errors import InputError
from workfolder.files import file_digest

BEGAN = "began"
"""In options.json: which task a run began with, and the digest of its weights."""


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
        model: that of MODEL, or with the weights that a task of it has; it may be used up.
        first: the task that it begins with.
        noted: what options.json says of it.
        differing: by name, the weights of the model that MODEL has not.
    """

    model: TrainedModel
    first: Tuned | None = None
    noted: Mapping[str, Any] = field(default_factory=dict)
    differing: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def give_heads(self, network: TaskNetwork, tasks: Mapping[str, Task]) -> None:
        """Let each head begin as it was taught before, where it is the same."""
        for name, task in tasks.items():
            if self.first is None or name not in self.first.tasks:
                continue
            if task.about.get("labels") != self.first.tasks[name].about.get("labels"):
                continue
            for own, its in zip(
                (network.heads[name], network.mixes[name]),
                (self.first.network.heads[name], self.first.network.mixes[name]),
                strict=True,
            ):
                if _shapes(own) == _shapes(its):
                    own.load_state_dict(its.state_dict())

    def save(self, folder: Path, network: TaskNetwork) -> None:
        """Write what neither MODEL nor the weights that learnt have, if there is anything."""
        learnt = network.learnt()
        left = {
            name: weight.cpu().contiguous()
            for name, weight in self.differing.items()
            if f"{ENCODER}{name}" not in learnt
        }
        if left:
            save_file(left, folder / BEGAN_FILE)


def home_of(path: Path) -> tuple[Path, str | None]:
    """Tell MODEL, and X where a path is MODEL/tasks/X."""
    if path.parent.name == FOLDER and (path / OPTIONS_FILE).is_file():
        return path.parent.parent, path.name
    return path, None


def begin(model: Path, name: str | None) -> Beginning:
    """Read what a run begins with.

    Args:
        model: MODEL.
        name: X; None for MODEL itself.

    Raises:
        InputError: if it cannot be read, or has adapters.
    """
    plain = load_model(model)
    if name is None:
        return Beginning(plain)
    first = load_tuned(model, name)
    folder = task_folder(model, name)
    if first.options.train.startswith("adapter"):
        raise InputError(
            f"{folder} has its adapters beside the network, so nothing can begin with it: teach it "
            "with --train all, top:N, norms or lora:N"
        )
    encoder = _without_lora(first.network.encoder).requires_grad_(True)
    before = dict(plain.network.named_parameters())
    differing = {
        name: weight.detach().clone()
        for name, weight in encoder.named_parameters()
        if not torch.equal(weight, before[name])
    }
    noted = {BEGAN: {"task": name, "weights": file_digest(folder / DIGESTS_FILE)}}
    return Beginning(TrainedModel(encoder, plain.processor), first, noted, differing)


def _without_lora(encoder: JointNetwork) -> JointNetwork:
    """Add LoRA to the weights that it stands beside, and take it out."""
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(base := getattr(child, "base_layer", None), nn.Module):
                layer: Any = child
                layer.merge()
                setattr(module, name, base)
    return encoder


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in module.state_dict().items()}
