"""Tasks as the loop of learning wants them: batches of questions, scores, loss.

A batch is of one task. Each epoch has all batches of all tasks in an order drawn anew (Liu et al.,
2019, "Multi-Task Deep Neural Networks", algorithm 1). What is drawn for a task does not hang on the
other tasks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from videobert.finetune.examples import Example, Questions, collate
from videobert.finetune.network import TaskNetwork
from videobert.finetune.tasks.task import Task
from videobert.learning.draws import Epochs
from videobert.learning.learner import Score
from videobert.sequences import SequenceLayout

MIX, ORDER, DRAWS, VALIDATION = range(4)
"""What tells apart the draws of one seed."""


@dataclass(frozen=True)
class FinetuneLearner:
    """Heads that may begin to learn.

    Attributes:
        model: with its first weights.
        tasks: by name, in the order of the alphabet.
        learnt: the examples to learn from, by task.
        kept_apart: the examples to validate on, by task; possibly none.
        layout: of the rows.
        batch_size: examples in an update.
        seed: what all draws follow from.
    """

    model: TaskNetwork
    tasks: Mapping[str, Task]
    learnt: Mapping[str, Sequence[Example]]
    kept_apart: Mapping[str, Sequence[Example]]
    layout: SequenceLayout
    batch_size: int
    seed: int
    stage: str = "finetune"

    @property
    def shown(self) -> Sequence[str]:
        """The tasks."""
        return tuple(self.tasks)

    @property
    def epoch(self) -> int:
        """How many updates an epoch has."""
        return sum(epochs.steps for epochs in self._epochs.values())

    @cached_property
    def _epochs(self) -> dict[str, Epochs]:
        return {
            name: Epochs(
                len(examples),
                min(self.batch_size, len(examples)),
                (self.seed, ORDER, zlib.crc32(name.encode())),
            )
            for name, examples in self.learnt.items()
        }

    def batch(self, step: int) -> Questions:
        """Draw the questions of a step."""
        epoch, turn = divmod(step, self.epoch)
        names = np.repeat(list(self.tasks), [self._epochs[name].steps for name in self.tasks])
        order = np.random.default_rng([self.seed, MIX, epoch]).permutation(names)
        name = str(order[turn])
        epochs = self._epochs[name]
        own = epoch * epochs.steps + int((order[:turn] == name).sum())
        drawn = zip(epochs.batch(own).tolist(), epochs.epochs(own).tolist(), strict=True)
        return Questions(
            name,
            [
                self.tasks[name].drawn(
                    self.learnt[name][place], self._rng(DRAWS, name, which, place)
                )
                for place, which in drawn
            ],
        )

    def _rng(self, *numbers: int | str) -> np.random.Generator:
        seeds = [zlib.crc32(n.encode()) if isinstance(n, str) else n for n in numbers]
        return np.random.default_rng([self.seed, *seeds])

    def validation(self) -> Iterator[Questions]:
        """Ask about everything that is kept apart, always the same."""
        for name, examples in self.kept_apart.items():
            for first in range(0, len(examples), self.batch_size):
                some = range(first, min(first + self.batch_size, len(examples)))
                task = self.tasks[name]
                yield Questions(
                    name,
                    [task.drawn(examples[n], self._rng(VALIDATION, name, n)) for n in some],
                )

    def asked(self, batch: Questions) -> dict[str, int]:
        """Count the answers of the batch's task; 0 for the others."""
        own = sum(question.asked for question in batch.questions)
        return {name: own if name == batch.task else 0 for name in self.tasks}

    def scores(
        self, model: torch.nn.Module, batch: Questions, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Answer the chosen questions; the score of another task is 0."""
        none = torch.zeros((), device=device)
        scores = {name: Score(none, none) for name in self.tasks}
        head: Any = self.model.heads[batch.task]
        # A part without a question still answers one, which does not count: the other processes
        # wait until the network that all of them share has run.
        asked = [batch.questions[n] for n in chosen] or batch.questions[:1]
        inputs, where, truth = collate(self.layout, asked, device)
        logits = model(batch.task, inputs, where)
        loss, right = head.losses(logits, truth).sum(), head.right(logits, truth).sum()
        if not len(chosen):
            loss, right = 0.0 * loss, none
        return {**scores, batch.task: Score(loss, right)}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Return the mean over all answers of the batch."""
        return torch.stack(
            [scores[name].loss / max(count, 1) for name, count in asked.items()]
        ).sum()
