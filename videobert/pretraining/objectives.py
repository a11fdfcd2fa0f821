"""What the model is trained to do, one small class each, and the loss that they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn.functional import cross_entropy

from videobert.modeling_videobert import VideoBertOutput
from videobert.pretraining.batches import JOINT, REGIMES, TEXT, VIDEO, Batch
from videobert.pretraining.masking import IGNORED
from videobert.pretraining.packing import Packed


@dataclass(frozen=True)
class Answers:
    """How well each question of a packed batch was answered.

    Attributes:
        completion_loss, completion_right: [hidden ids], cross entropy in nats with gradient; whether the best guess is right.
        regime: [hidden ids].
        alignment_loss, alignment_right: [pairs].
    """

    completion_loss: torch.Tensor
    completion_right: torch.Tensor
    regime: torch.Tensor
    alignment_loss: torch.Tensor
    alignment_right: torch.Tensor


@dataclass(frozen=True)
class Score:
    """An objective's result on a packed batch.

    Attributes:
        loss: the sum of the cross entropies of what was asked, in nats, with gradient.
        correct: how many answers were right.
    """

    loss: torch.Tensor
    correct: torch.Tensor


class Objective(Protocol):
    """One thing to learn."""

    @property
    def name(self) -> str:
        """As the history calls it."""

    def asked(self, batch: Batch) -> int:
        """How many questions a batch has for it."""

    def __call__(self, answers: Answers) -> Score:
        """Its score; that of no questions is 0, with a gradient of 0."""


@dataclass(frozen=True)
class MaskedCompletion:
    """Find the hidden words and visual words in sequences of one regime."""

    regime: int

    @property
    def name(self) -> str:
        """As the history calls it."""
        return f"masked_{REGIMES[self.regime]}"

    def asked(self, batch: Batch) -> int:
        """Hidden ids in sequences of this regime."""
        return int((batch.labels[batch.regime == self.regime] != IGNORED).sum())

    def __call__(self, answers: Answers) -> Score:
        """The score on this regime's hidden ids."""
        here = answers.regime == self.regime
        return Score(answers.completion_loss[here].sum(), answers.completion_right[here].sum())


@dataclass(frozen=True)
class Alignment:
    """Tell whether the text belongs to the pictures, from [CLS]."""

    name = "alignment"

    def asked(self, batch: Batch) -> int:
        """Pairs of the batch."""
        return int((batch.alignment != IGNORED).sum())

    def __call__(self, answers: Answers) -> Score:
        """The score on all pairs."""
        return Score(answers.alignment_loss.sum(), answers.alignment_right.sum())


COMPLETIONS = (MaskedCompletion(TEXT), MaskedCompletion(VIDEO), MaskedCompletion(JOINT))
OBJECTIVES: tuple[Objective, ...] = (*COMPLETIONS, Alignment())


def answer(output: VideoBertOutput, packed: Packed) -> Answers:
    """Compare what the model says at the hidden ids and at the [CLS] of pairs with what is true there."""
    hidden, paired = packed.labels != IGNORED, packed.alignment != IGNORED
    words, pairs = packed.labels[hidden], packed.alignment[paired]
    return Answers(
        cross_entropy(output.prediction_logits.float(), words, reduction="none"),
        output.prediction_logits.argmax(dim=1) == words,
        packed.regime[hidden],
        cross_entropy(output.alignment_logits.float(), pairs, reduction="none"),
        output.alignment_logits.argmax(dim=1) == pairs,
    )


def total_loss(scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
    """The mean over all hidden ids, whatever their regime, plus the mean over all pairs.

    A regime counts by what it asks, that is by its share of the batch. The plain sum of the regimes' means would give the
    few ids of a small regime the weight of the many of a large one, and their noise: on a corpus like the
    demo's, text then learnt itself by heart and did not begin to look at the video.

    Args:
        scores: of a part of a batch.
        asked: the questions of the whole batch, so that the losses of its parts add up to the loss of the whole.
    """
    hidden = sum(asked[objective.name] for objective in COMPLETIONS)
    counts = {name: asked[name] if name == Alignment.name else hidden for name in scores}
    return torch.stack([score.loss / max(counts[name], 1) for name, score in scores.items()]).sum()
