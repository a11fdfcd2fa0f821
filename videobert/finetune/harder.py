"""A task learnt with more than its labels: hidden words, an adversary, a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

import numpy as np
import torch

from videobert.finetune.adversary import Adversary
from videobert.finetune.completion import COMPLETION, HiddenRow, completion, hide, make_hider
from videobert.finetune.examples import Questions
from videobert.finetune.heads import Head
from videobert.finetune.learner import FinetuneLearner
from videobert.finetune.options import HEAD, FinetuneOptions
from videobert.finetune.teacher import Teacher, listening, load_teacher
from videobert.learning.learner import Score
from videobert.pretraining.masking.masker import Masker
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

HIDDEN = 4
"""Tells apart what is hidden from the other draws of one seed; see learner."""


@dataclass(frozen=True)
class HardQuestions(Questions):
    """A batch of which hidden words are asked, too.

    Attributes:
        hidden: the rows of each question.
    """

    hidden: Sequence[Sequence[HiddenRow]] = ()


@dataclass(frozen=True)
class HardLearner(FinetuneLearner):
    """Heads that may begin to learn with more than their labels.

    Validation asks for the labels alone.

    Attributes:
        masker: hides words; None asks for none.
        weight: of finding hidden words.
        adversary: disturbs what is read; None does not.
        teacher: was taught the same; None without one.
    """

    masker: Masker | None = field(kw_only=True, default=None)
    weight: float = field(kw_only=True, default=0.0)
    adversary: Adversary | None = field(kw_only=True, default=None)
    teacher: Teacher | None = field(kw_only=True, default=None)

    def batch(self, step: int) -> Questions:
        """Draw the questions of a step, and what is hidden in them."""
        batch = super().batch(step)
        if self.masker is None:
            return batch
        rng = np.random.default_rng([self.seed, HIDDEN, step])
        hidden = [hide(self.masker, [question], rng) for question in batch.questions]
        return HardQuestions(batch.task, batch.questions, hidden)

    def asked(self, batch: Questions) -> dict[str, int]:
        """Count the answers of each task, and the hidden words."""
        counts = super().asked(batch)
        if self.masker is None:
            return counts
        return {**counts, COMPLETION: sum(each.asked for each in _hidden(batch))}

    def scores(
        self, model: torch.nn.Module, batch: Questions, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Answer the chosen questions, as hard as they are while it learns."""
        if not self.model.training:
            found = super().scores(model, batch, chosen, device)
        else:
            found = self._scores(model, batch, chosen, device)
        if self.masker is None:
            return found
        rows = _hidden(batch, chosen)
        none = torch.zeros((), device=device)
        if not rows:
            return {**found, COMPLETION: Score(none, none)}
        return {**found, COMPLETION: completion(self.model.encoder, self.layout, rows, device)}

    def _scores(
        self, model: torch.nn.Module, batch: Questions, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Answer them disturbed, and with a teacher."""
        found: dict[str, Score] = {}

        def ask(turn: int) -> Score:
            # Processes that share the work wait for each other once, so only once in ``model``.
            nonlocal found
            asked = model if turn == 0 else self.model
            found = self._taught(asked, batch, chosen, device)
            return found[batch.task]

        own = ask(0) if self.adversary is None or not len(chosen) else self.adversary(ask)
        return {**found, batch.task: own}

    def _taught(
        self, model: torch.nn.Module, batch: Questions, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        with listening(self.model, batch.task) as heard:
            found = super().scores(model, batch, chosen, device)
        if self.teacher is None or not len(chosen):
            return found
        score, head = found[batch.task], cast(Head, self.model.heads[batch.task])
        loss = self.teacher.joined(batch.task, head, score.loss, heard[0])
        return {**found, batch.task: Score(loss, score.correct)}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Return the mean over all answers, plus the weighted mean over all hidden words."""
        names = [name for name in asked if name != COMPLETION]
        loss = super().total_loss(
            {name: scores[name] for name in names}, {name: asked[name] for name in names}
        )
        if COMPLETION not in asked:
            return loss
        return loss + self.weight * scores[COMPLETION].loss / max(asked[COMPLETION], 1)


def _hidden(batch: Questions, chosen: np.ndarray | None = None) -> list[HiddenRow]:
    """List the rows with hidden words of some questions, of all by default."""
    if not isinstance(batch, HardQuestions):
        return []
    every = range(len(batch.hidden)) if chosen is None else chosen.tolist()
    return [row for question in every for row in batch.hidden[question]]


def made_hard(
    learner: FinetuneLearner, processor: VideoBertProcessor, options: FinetuneOptions
) -> FinetuneLearner:
    """Add what the options ask for beside labels; nothing by default.

    Raises:
        InputError: if that cannot be had of this network or these options.
    """
    if options.patient and options.teacher is None:
        raise InputError("--patient compares the network with a teacher's: give --teacher")
    deep = options.completion_weight or options.adversarial or options.patient
    if deep and options.train == HEAD:
        raise InputError(
            "--completion-weight, --adversarial and --patient teach the network, which --train "
            "head leaves as it is: give --train all, top:N, norms, adapter:N or lora:N"
        )
    if not deep and options.teacher is None:
        return learner
    encoder, tasks = learner.model.encoder, learner.tasks
    masker = make_hider(processor, encoder) if options.completion_weight else None
    adversary = teacher = None
    if options.adversarial:
        padding = processor.tokenizer.pad_token_id
        adversary = Adversary(encoder.get_input_embeddings(), padding, options.adversarial)
    if options.teacher is not None:
        teacher = load_teacher(options.teacher, processor, learner.model, tasks, options.patient)
    its: dict[str, Any] = {each.name: getattr(learner, each.name) for each in fields(learner)}
    own = {"masker": masker, "weight": options.completion_weight, "adversary": adversary}
    return HardLearner(**its | own, teacher=teacher)
