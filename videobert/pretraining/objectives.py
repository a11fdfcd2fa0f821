"""What the model learns to do, one small class each, and how their losses are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch.nn.functional import cross_entropy

from videobert.joint_network import VideoBertOutput
from videobert.learning.learner import Score
from videobert.orders import MASKED, REPLACED
from videobert.pretraining.batches import JOINT, ORDER, ORDER_TEXT, REGIMES, TEXT, VIDEO, Batch
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.options import PretrainOptions


@dataclass(frozen=True)
class Answers:
    """How well each question of packed rows was answered.

    Attributes:
        completion_loss: [hidden ids], cross entropy in nats, with gradient.
        completion_right: [hidden ids], whether the best guess is right.
        regime: [hidden ids].
        alignment_loss: [pairs], cross entropy in nats, with gradient.
        alignment_right: [pairs], whether the likelier class is right.
        boundary_loss: [hidden ids], cross entropy in nats of what the sides of a span say, with
            gradient; None if they were not asked.
        boundary_right: [hidden ids], whether their best guess is right.
        turn_loss: [ordered pairs], cross entropy in nats, with gradient; None if nobody asks.
        turn_right: [ordered pairs], whether the likeliest class is right.
        turn_regime: [ordered pairs], ORDER or ORDER_TEXT.
    """

    completion_loss: torch.Tensor
    completion_right: torch.Tensor
    regime: torch.Tensor
    alignment_loss: torch.Tensor
    alignment_right: torch.Tensor
    boundary_loss: torch.Tensor | None = None
    boundary_right: torch.Tensor | None = None
    turn_loss: torch.Tensor | None = None
    turn_right: torch.Tensor | None = None
    turn_regime: torch.Tensor | None = None


class Objective(Protocol):
    """One thing to learn."""

    @property
    def name(self) -> str:
        """The name in the history."""

    def asked(self, batch: Batch) -> int:
        """Count the questions that a batch has for it."""

    def __call__(self, answers: Answers) -> Score:
        """Add up the answers; without questions the score is 0, with a gradient of 0."""


@dataclass(frozen=True)
class Completion:
    """Find the words and visual words that are asked for in sequences of one regime.

    Attributes:
        regime: TEXT, VIDEO or JOINT.
        how: one of orders.OBJECTIVES; their losses cannot be compared.
    """

    regime: int
    how: str = MASKED

    @property
    def name(self) -> str:
        """The name in the history."""
        return f"{self.how}_{REGIMES[self.regime]}"

    def asked(self, batch: Batch) -> int:
        """Count the hidden ids in sequences of this regime."""
        return int((batch.labels[batch.regime == self.regime] != IGNORED).sum())

    def __call__(self, answers: Answers) -> Score:
        """Add up the answers on this regime's hidden ids."""
        here = answers.regime == self.regime
        return Score(answers.completion_loss[here].sum(), answers.completion_right[here].sum())


@dataclass(frozen=True)
class Alignment:
    """Tell from [CLS] whether the text belongs to the pictures."""

    name = "alignment"

    def asked(self, batch: Batch) -> int:
        """Count the pairs of a batch."""
        return int(((batch.alignment != IGNORED) & (batch.regime == JOINT)).sum())

    def __call__(self, answers: Answers) -> Score:
        """Add up the answers on all pairs."""
        return Score(answers.alignment_loss.sum(), answers.alignment_right.sum())


@dataclass(frozen=True)
class Boundary:
    """Find hidden words from the sides of their spans."""

    name = "boundary"

    def asked(self, batch: Batch) -> int:
        """Count the hidden ids of a batch."""
        return int((batch.labels != IGNORED).sum())

    def __call__(self, answers: Answers) -> Score:
        """Add up the answers on all hidden ids."""
        assert answers.boundary_loss is not None and answers.boundary_right is not None
        return Score(answers.boundary_loss.sum(), answers.boundary_right.sum())


@dataclass(frozen=True)
class Order:
    """Tell what a stretch is to the one before it in the sequence; chance is a third.

    Attributes:
        regime: ORDER, or ORDER_TEXT for pairs without pictures.
    """

    regime: int

    @property
    def name(self) -> str:
        """The name in the history."""
        return "order" if self.regime == ORDER else "order_text_alone"

    def asked(self, batch: Batch) -> int:
        """Count the pairs of a batch."""
        return int((batch.regime == self.regime).sum())

    def __call__(self, answers: Answers) -> Score:
        """Add up the answers on the pairs of this regime."""
        assert answers.turn_loss is not None and answers.turn_right is not None
        here = answers.turn_regime == self.regime
        return Score(answers.turn_loss[here].sum(), answers.turn_right[here].sum())


ORDERS = (Order(ORDER), Order(ORDER_TEXT))
COMPLETIONS = (Completion(TEXT), Completion(VIDEO), Completion(JOINT))
OBJECTIVES: tuple[Objective, ...] = (*COMPLETIONS, Alignment())


def objectives(options: PretrainOptions) -> tuple[Objective, ...]:
    """Return what a run with these options learns to do."""
    how = MASKED if options.objective == REPLACED else options.objective
    words = tuple(replace(each, how=how) for each in COMPLETIONS)
    judged: tuple[Objective, ...] = (Alignment(),) if options.alignment_weight else ()
    sides: tuple[Objective, ...] = (Boundary(),) if options.boundary else ()
    turns: tuple[Objective, ...] = ORDERS if options.order_weight else ()
    return *words, *judged, *sides, *turns


def answer(output: VideoBertOutput, rows: Mapping[str, torch.Tensor]) -> Answers:
    """Compare what the model says at hidden ids and at the [CLS] of pairs with the truth.

    Args:
        output: logits at these places alone.
        rows: as ``learner.pack_batch`` returns them.
    """
    hidden, judged = rows["labels"] != IGNORED, rows["alignment"] != IGNORED
    paired = judged & (rows["regime"] < ORDER)
    words, pairs = rows["labels"][hidden], rows["alignment"][paired]
    found = Answers(
        cross_entropy(output.prediction_logits.float(), words, reduction="none"),
        output.prediction_logits.argmax(dim=1) == words,
        rows["regime"][hidden],
        cross_entropy(output.alignment_logits.float(), pairs, reduction="none"),
        output.alignment_logits.argmax(dim=1) == pairs,
    )
    if output.turn_logits is not None:
        ordered = judged & (rows["regime"] >= ORDER)
        turns = rows["alignment"][ordered]
        found = replace(
            found,
            turn_loss=cross_entropy(output.turn_logits.float(), turns, reduction="none"),
            turn_right=output.turn_logits.argmax(dim=1) == turns,
            turn_regime=rows["regime"][ordered],
        )
    if output.boundary_logits is None:
        return found
    loss = cross_entropy(output.boundary_logits.float(), words, reduction="none")
    right = output.boundary_logits.argmax(dim=1) == words
    return replace(found, boundary_loss=loss, boundary_right=right)


def total_loss(
    scores: Mapping[str, Score], asked: Mapping[str, int], alignment_weight: float = 1.0
) -> torch.Tensor:
    """Return the mean over all hidden ids, whatever their regime, plus the mean over all pairs.

    The mean over all ordered pairs is added, too, with pictures or without.

    What the sides of spans say of hidden ids counts like what the model says.

    A regime counts by the number of its questions, that is by its share of the batch. The plain
    sum of the regimes' means would give the few ids of a small regime the weight of the many of a
    large one, and their noise: on a corpus like the demo's, the model then learnt the text by heart
    and did not begin to look at the video.

    Args:
        scores: of a part of a batch.
        asked: the questions of the whole batch, so that the losses of its parts add up to its loss.
        alignment_weight: of the mean over pairs.
    """
    ordered = [each.name for each in ORDERS if each.name in asked]
    others = (Alignment.name, Boundary.name, *ordered)
    hidden = sum(count for name, count in asked.items() if name not in others)
    losses = []
    for name, score in scores.items():
        pairs = name == Alignment.name
        count = sum(asked[each] for each in ordered) if name in ordered else hidden
        mean = score.loss / max(asked[name] if pairs else count, 1)
        losses.append(alignment_weight * mean if pairs else mean)
    return torch.stack(losses).sum()
