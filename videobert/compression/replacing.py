"""A student whose layers stand in for those of its teacher, more and more often.

Xu et al. (2020), "BERT-of-Theseus". In each update each layer of the student stands, with a
probability that rises, where a group of the teacher's layers would; otherwise the teacher's stand
there and do not learn. The loss is that of pre-training alone. Then the student learns alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import nn

from videobert.joint_network import JointNetwork
from videobert.learning.learner import Score
from videobert.learning.stacking import layer_list
from videobert.pretraining.batches import Batch
from videobert.pretraining.learner import PretrainLearner, rows_on, run_on
from videobert.pretraining.objectives import answer

BEGIN = 0.3
"""The first probability."""
RISING = 0.5
"""Share of the updates in which it rises to 1, in a straight line; ours."""


def probability(step: int, steps: int) -> float:
    """Return how likely each layer of the student stands in, in the update after ``step``."""
    return min(1.0, BEGIN + (1 - BEGIN) * step / (RISING * steps))


def groups(there: int, chosen: Sequence[int]) -> list[range]:
    """Return the teacher's layers in whose place each layer of the student stands."""
    return [range(*ends) for ends in zip(chosen, [*chosen[1:], there], strict=True)]


@dataclass(frozen=True)
class Mixed(Batch):
    """A batch, and which layers of the student stand in for it, bool [layers]."""

    own: np.ndarray = field(kw_only=True)


@dataclass(frozen=True)
class ReplacingLearner(PretrainLearner):
    """A run whose model is a student that stands in for its teacher.

    Attributes:
        teacher: as wide as the student; it does not learn.
        chosen: the teacher's layers that the student's began as.
        steps: updates of the whole run.
        seed: of the draws.
    """

    teacher: JointNetwork = field(kw_only=True)
    chosen: Sequence[int] = field(kw_only=True)
    steps: int = field(kw_only=True)
    seed: int = field(kw_only=True)
    stage: str = "compress"

    def batch(self, step: int) -> Mixed:
        """Make the batch of a step, and draw by seed and step what stands in."""
        batch, rng = super().batch(step), np.random.default_rng([self.seed, step])
        own = rng.random(len(self.chosen)) < probability(step, self.steps)
        return Mixed(**{each.name: getattr(batch, each.name) for each in fields(batch)}, own=own)

    def scores(
        self, model: nn.Module, batch: Batch, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Ask the mixture about the chosen sequences; the student alone where nothing is drawn."""
        rows = rows_on(device, batch, chosen)
        own = batch.own if isinstance(batch, Mixed) else np.ones(len(self.chosen), dtype=bool)
        with standing_in(self.model, self.teacher, self.chosen, own):
            answers = answer(run_on(model, rows), rows)
        scores = {objective.name: objective(answers) for objective in self.objectives}
        # A layer that does not stand in has a gradient of 0, and so a checkpoint has all moments.
        nothing = 0.0 * sum(w.sum() for w in self.model.parameters() if w.requires_grad)
        name, first = next(iter(scores.items()))
        return scores | {name: Score(first.loss + nothing, first.correct)}


@contextmanager
def standing_in(
    student: JointNetwork, teacher: JointNetwork, chosen: Sequence[int], own: np.ndarray
) -> Iterator[None]:
    """Put the teacher's layers where the student's do not stand in, and take them away after.

    Args:
        student: is changed meanwhile.
        teacher: of which layers are borrowed.
        chosen: see ReplacingLearner.
        own: bool [layers of the student].
    """
    holder, name = _holder(student)
    before = getattr(holder, name)
    theirs = layer_list(teacher, teacher.config.num_hidden_layers)
    mixture: list[nn.Module] = []
    for layer, group, stands in zip(before, groups(len(theirs), chosen), own, strict=True):
        like = next(layer.parameters())
        borrowed = [theirs[place].to(like.device, like.dtype) for place in group]
        mixture += [layer] if stands else borrowed
    setattr(holder, name, nn.ModuleList(mixture))
    try:
        yield
    finally:
        setattr(holder, name, before)


def _holder(network: JointNetwork) -> tuple[nn.Module, str]:
    """Find the module that has the list of a network's layers, and the name of the list there."""
    wanted = layer_list(network, network.config.num_hidden_layers)
    return next(
        (module, name)
        for module in network.modules()
        for name, child in module.named_children()
        if child is wanted
    )
