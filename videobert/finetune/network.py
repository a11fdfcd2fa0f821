"""An encoder with the heads of one or several tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import nn

from videobert.finetune.frozen import FrozenStates
from videobert.finetune.heads import ClozeHead, Head, SequenceHead, Where
from videobert.finetune.layers import LayerMix
from videobert.finetune.options import ALIGN, FinetuneOptions
from videobert.finetune.states import (
    freeze_heads,
    judging_layers,
    layer_states,
    refuse_if_it_fills_no_masks,
)
from videobert.finetune.tasks.task import Task
from videobert.finetune.trained import set_trained
from videobert.joint_network import JointNetwork

ENCODER = "encoder."
"""Begins the names of the encoder's weights."""
DROPOUT = 0.1
"""Of a head, where the encoder's configuration does not tell."""


class TaskNetwork(nn.Module):
    """Runs the encoder once and the head of one task.

    Attributes:
        encoder: the network, with what was put into it.
        heads: by task.
        mixes: which layers each head reads.
        frozen: keeps the states of an encoder that does not learn; None finds them each time.
    """

    frozen: FrozenStates | None = None

    def __init__(
        self, encoder: JointNetwork, heads: Mapping[str, Head], mixes: Mapping[str, LayerMix]
    ) -> None:
        super().__init__()
        self.encoder: JointNetwork = encoder
        self.heads, self.mixes = nn.ModuleDict(heads), nn.ModuleDict(mixes)

    def forward(self, task: str, inputs: Mapping[str, torch.Tensor], where: Where) -> torch.Tensor:
        """Return the logits of a task; see heads.

        While it learns, every weight that learns has a gradient, be it 0: processes wait for the
        gradients of all, and a checkpoint holds the moments of all.
        """
        states, where = self._states(task, inputs, where)
        if isinstance(self.heads[task], ClozeHead):
            states = self.encoder.complete(where.states(states))
        logits: torch.Tensor = self.heads[task](states, where)
        return logits + self.nothing() if self.training else logits

    def _states(
        self, task: str, inputs: Mapping[str, torch.Tensor], where: Where
    ) -> tuple[torch.Tensor, Where]:
        mix = self.mixes[task]
        if self.frozen is None:
            return mix(layer_states(self.encoder, inputs)), where
        if mix.weights is None:
            return self.frozen(lambda row: mix(layer_states(self.encoder, row)), inputs, where)
        every, where = self.frozen(
            lambda row: torch.stack(layer_states(self.encoder, row)), inputs, where
        )
        return mix(every.unbind()), where

    def train(self, mode: bool = True) -> TaskNetwork:
        """Switch dropout on or off; an encoder whose states are kept has none."""
        super().train(mode)
        if self.frozen is not None:
            self.encoder.eval()
        return self

    def with_head(self, task: str, changed: Callable[[Head], Head]) -> TaskNetwork:
        """Return a network of the same weights with another head for a task."""
        heads = {name: cast("Head", head) for name, head in self.heads.items()}
        mixes = {name: cast("LayerMix", mix) for name, mix in self.mixes.items()}
        its = TaskNetwork(self.encoder, {**heads, task: changed(heads[task])}, mixes)
        its.frozen = self.frozen
        return its.train(self.training)

    def nothing(self) -> torch.Tensor:
        """Return 0, which hangs on every weight that learns."""
        return 0.0 * torch.stack([w.sum() for w in self.parameters() if w.requires_grad]).sum()

    def learnt(self) -> dict[str, torch.Tensor]:
        """Return the weights that learn, by name."""
        return {
            name: weight.detach()
            for name, weight in self.named_parameters()
            if weight.requires_grad
        }


def make_network(
    model: JointNetwork, tasks: Mapping[str, Task], options: FinetuneOptions
) -> TaskNetwork:
    """Put heads on a model, which is used up.

    A head that reads [CLS] begins with the first layer of the model's alignment head, and that of
    ``align`` with all of it. The heads of pre-training do not learn.

    Raises:
        InputError: if the model has fewer layers than are read or trained, or fills no masks.
    """
    config = model.config
    dropout = float(getattr(config, "hidden_dropout_prob", DROPOUT))
    mixes = {
        name: LayerMix(options.layers, config.num_hidden_layers, options.layer_dropout)
        for name in tasks
    }
    width = config.hidden_size * next(iter(mixes.values())).times
    heads = {name: task.head(width, dropout) for name, task in tasks.items()}
    for name, head in heads.items():
        if isinstance(head, ClozeHead):
            refuse_if_it_fills_no_masks(model, "--sentence with [MASK] has a mask filled")
        if isinstance(head, SequenceHead) and width == config.hidden_size:
            dense, classifier = judging_layers(model)
            head.dense.load_state_dict(dense.state_dict())
            if name == ALIGN:
                head.classifier.load_state_dict(classifier.state_dict())
    freeze_heads(model)
    set_trained(model, options.train)
    return TaskNetwork(model, heads, mixes)
