"""An encoder with the heads of one or several tasks."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from videobert.finetune.heads import Head, SequenceHead, Where
from videobert.finetune.layers import LayerMix
from videobert.finetune.options import ALIGN, FinetuneOptions
from videobert.finetune.states import layer_states
from videobert.finetune.tasks.task import Task
from videobert.finetune.trained import set_trained
from videobert.joint_network import JointNetwork
from videobert.modeling_videobert import VideoBertForPreTraining
from workfolder.errors import InputError

ENCODER = "encoder."
"""Begins the names of the encoder's weights."""


class TaskNetwork(nn.Module):
    """Runs the encoder once and the head of one task.

    Attributes:
        encoder: the network, with what was put into it.
        heads: by task.
        mixes: which layers each head reads.
    """

    def __init__(
        self, encoder: nn.Module, heads: Mapping[str, Head], mixes: Mapping[str, LayerMix]
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads, self.mixes = nn.ModuleDict(heads), nn.ModuleDict(mixes)

    def forward(self, task: str, inputs: Mapping[str, torch.Tensor], where: Where) -> torch.Tensor:
        """Return the logits of a task; see heads.

        While it learns, every weight that learns has a gradient, be it 0: processes wait for the
        gradients of all, and a checkpoint holds the moments of all.
        """
        states = self.mixes[task](layer_states(self.encoder, inputs))
        logits: torch.Tensor = self.heads[task](states, where)
        return logits + self.nothing() if self.training else logits

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
    """Put heads on the encoder of a model; the model is used up.

    A head that reads [CLS] begins with the model's pooler, and that of ``align`` with its alignment
    head. What the encoder has beyond the states, and layers that no head reads, do not learn.

    Raises:
        InputError: if the model has fewer layers than are read or trained, or is not around a BERT.
    """
    if not isinstance(model, VideoBertForPreTraining):
        raise InputError(
            f"the model is around a {model.kind!r}, and heads go on a 'bert' alone: give a model "
            "that began with a BERT"
        )
    config = model.config
    encoder, dropout = model.bert, config.hidden_dropout_prob
    pooler = encoder.pooler
    assert pooler is not None
    mixes = {
        name: LayerMix(options.layers, config.num_hidden_layers, options.layer_dropout)
        for name in tasks
    }
    width = config.hidden_size * next(iter(mixes.values())).times
    heads = {name: task.head(width, dropout) for name, task in tasks.items()}
    for name, head in heads.items():
        if isinstance(head, SequenceHead) and width == config.hidden_size:
            head.dense.load_state_dict(pooler.dense.state_dict())
            if name == ALIGN:
                head.classifier.load_state_dict(model.cls.seq_relationship.state_dict())
    set_trained(encoder, options.train)
    pooler.requires_grad_(False)
    return TaskNetwork(encoder, heads, mixes)
