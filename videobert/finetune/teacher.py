"""A task that was taught before, as the teacher of the same task (Sun et al., 2019, "Patient
Knowledge Distillation"): what it says of each answer, and what its layers make of [CLS].

The loss of an answer is (1 - a) times that of the truth, plus a T^2 KL(teacher / T, student / T),
plus b times the squared distance of both's normalised states at [CLS], the mean over layers. Those
are all layers of the student but the last, each beside the teacher's layer at the same share of its
depth ("PKD-skip").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from videobert.finetune.heads import Head, SequenceHead, SpanHead, UnitHead, Where
from videobert.finetune.network import TaskNetwork
from videobert.finetune.tasks.task import Task
from videobert.finetune.tuned import load_tuned
from videobert.finetune.two_stage import home_of
from videobert.processing_videobert import VideoBertProcessor
from workfolder.digests import DIGESTS_FILE
from workfolder.errors import InputError
from workfolder.files import file_digest

SHARE, TEMPERATURE = 0.5, 2.0
"""a and T. The authors searched a in 0.2, 0.5 and 0.7."""
TAUGHT = "taught by"


@dataclass
class Heard:
    """What went through a network in a pass.

    Attributes:
        inputs: of the rows.
        where: what the head reads.
        states: what goes into the first layer, then what comes out of each.
        logits: of the head.
    """

    inputs: Mapping[str, torch.Tensor]
    where: Where
    states: Sequence[torch.Tensor] = field(init=False)
    logits: torch.Tensor = field(init=False)


@contextmanager
def listening(network: TaskNetwork, task: str) -> Iterator[list[Heard]]:
    """Keep what goes through a network, a Heard for each pass."""
    heard: list[Heard] = []

    def begun(module: Any, given: Any) -> None:
        heard.append(Heard(given[1], given[2]))

    def read(module: Any, given: Any) -> None:
        heard[-1].states = given[0]

    def said(module: Any, given: Any, made: torch.Tensor) -> None:
        heard[-1].logits = made

    hooks = (
        network.register_forward_pre_hook(begun),
        network.mixes[task].register_forward_pre_hook(read),
        network.heads[task].register_forward_hook(said),
    )
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class Teacher:
    """A network that was taught the same tasks.

    Attributes:
        network: it does not learn.
        patience: b; 0 compares no states.
    """

    network: TaskNetwork
    patience: float

    def joined(self, task: str, head: Head, loss: torch.Tensor, student: Heard) -> torch.Tensor:
        """Join the loss of the truth with what the teacher says, summed over all answers."""
        network = self.network.to(loss.device).eval()
        with torch.no_grad(), listening(network, task) as heard:
            network(task, student.inputs, student.where)
        (taught,) = heard
        soft = soft_losses(head, student.logits, taught.logits, student.where)
        loss = (1 - SHARE) * loss + SHARE * soft.sum()
        if not self.patience:
            return loss
        pairs = beside(len(student.states) - 1, len(taught.states) - 1)
        ours, theirs = (
            torch.stack([states[layer][:, 0] for layer in layers])
            for states, layers in zip(
                (student.states, taught.states), zip(*pairs, strict=True), strict=True
            )
        )
        # A question of several rows counts as one answer.
        counts = student.where.question.bincount()[student.where.question]
        return loss + self.patience * (patient_losses(ours, theirs) / counts).sum()


def beside(student: int, teacher: int) -> list[tuple[int, int]]:
    """List the layers of a student but its last, each with the teacher's beside it.

    Args:
        student: how many layers it has; the first is 1.
        teacher: how many the teacher has.
    """
    return [(layer, max(layer * teacher // student, 1)) for layer in range(1, student)]


def patient_losses(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the squared distance of normalised states, the mean over layers, [rows].

    Args:
        student: states at [CLS], [layers, rows, width].
        teacher: of the same shape.
    """
    apart = functional.normalize(student, dim=-1) - functional.normalize(teacher, dim=-1)
    return apart.square().sum(dim=-1).mean(dim=0)


def soft_losses(
    head: Head, student: torch.Tensor, teacher: torch.Tensor, where: Where
) -> torch.Tensor:
    """Return T^2 KL(teacher / T, student / T) of each answer.

    Args:
        head: of both.
        student: logits of the head.
        teacher: of the same shape.
        where: what the head reads.
    """
    along = 1 if isinstance(head, SpanHead) else -1
    ours, theirs = (_spread(head, each, where) / TEMPERATURE for each in (student, teacher))
    ours, theirs = ours.log_softmax(dim=along), theirs.log_softmax(dim=along)
    losses = TEMPERATURE**2 * (theirs.exp() * (theirs - ours)).sum(dim=along)
    return losses.mean(dim=-1) if isinstance(head, SpanHead) else losses


def _spread(head: Head, logits: torch.Tensor, where: Where) -> torch.Tensor:
    """Give each answer its logits: yes or no of a unit has two."""
    if isinstance(head, SequenceHead | SpanHead):
        return logits
    logits = logits[where.asked]
    return (
        torch.stack([torch.zeros_like(logits), logits], dim=-1)
        if isinstance(head, UnitHead)
        else logits
    )


def load_teacher(
    path: Path,
    processor: VideoBertProcessor,
    student: TaskNetwork,
    tasks: Mapping[str, Task],
    patience: float,
) -> Teacher:
    """Read MODEL/tasks/NAME as a teacher.

    Args:
        path: MODEL/tasks/NAME.
        processor: the student's.
        student: what it will teach.
        tasks: what the student learns.
        patience: b.

    Raises:
        InputError: if it cannot teach this student.
    """
    model, name = home_of(path)
    if name is None:
        raise InputError(f"--teacher {path}: give MODEL/tasks/NAME, which finetune wrote")
    taught = load_tuned(model, name)
    its = taught.model.processor
    if (its.codebook.digest, its.tokenizer.get_vocab()) != (
        processor.codebook.digest,
        processor.tokenizer.get_vocab(),
    ):
        raise InputError(
            f"--teacher {path} reads other words than the model: give one that was made from the "
            "same tokenizer and codebook"
        )
    for each, task in tasks.items():
        _refuse_other_task(path, each, task, taught.tasks.get(each))
        if patience:
            _refuse_impatience(each, student, taught.network)
    longest = next(iter(tasks.values())).reader.layout.max_length
    if (there := taught.model.network.config.max_position_embeddings) < longest:
        raise InputError(f"--teacher {path} reads {there} ids at most: give --max-length {there}")
    return Teacher(taught.network.requires_grad_(False), patience)


def note_of(path: Path | None) -> dict[str, Any]:
    """Return what options.json says of a teacher: its task, and the digest of its weights."""
    if path is None or home_of(path)[1] is None:
        return {}
    return {TAUGHT: {"task": path.name, "weights": file_digest(path / DIGESTS_FILE)}}


def _refuse_other_task(path: Path, name: str, task: Task, other: Task | None) -> None:
    if other is None:
        raise InputError(f"--teacher {path} was not taught {name}: give one that was")
    for what, ours, theirs in (
        ("labels", task.about.get("labels"), other.about.get("labels")),
        ("--sentence", task.reader.options.sentence, other.reader.options.sentence),
    ):
        if ours != theirs:
            raise InputError(
                f"--teacher {path} was taught {name} with other {what}: give one that was taught "
                "the same"
            )


def _refuse_impatience(name: str, student: TaskNetwork, teacher: TaskNetwork) -> None:
    ours, theirs = student.encoder.config, teacher.encoder.config
    if not isinstance(student.heads[name], SequenceHead | SpanHead):
        raise InputError(
            f"--patient compares states at [CLS], which {name} does not read: leave it"
        )
    if ours.hidden_size != theirs.hidden_size:
        raise InputError(
            f"--patient compares states, and the teacher's are {theirs.hidden_size} wide, the "
            f"model's {ours.hidden_size}: leave it out"
        )
    if ours.num_hidden_layers < 2:
        raise InputError(
            "--patient compares layers below the last, and the model has one: leave it"
        )
