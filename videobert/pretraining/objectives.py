"""What the model is trained to do, one small class each, and the loss that they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from videobert.modeling_videobert import VideoBertOutput
from videobert.pretraining.batches import JOINT, REGIMES, TEXT, VIDEO
from videobert.pretraining.masking import IGNORED


@dataclass(frozen=True)
class Score:
    """An objective's result on one batch.

    Attributes:
        loss: mean cross entropy in nats over what was asked, with gradient.
        correct, asked: how many answers were right, of how many.
    """

    loss: torch.Tensor
    correct: int
    asked: int


@dataclass(frozen=True)
class MaskedCompletion:
    """Find the hidden words and visual words in sequences of one regime."""

    regime: int

    @property
    def name(self) -> str:
        """As the history calls it."""
        return f"masked_{REGIMES[self.regime]}"

    def __call__(self, output: VideoBertOutput, batch: dict[str, torch.Tensor]) -> Score | None:
        """The score, or None if the batch asks nothing of this regime."""
        asked = batch["labels"] != IGNORED
        here = (batch["regime"][:, None] == self.regime).expand_as(asked)[asked]
        return _score(output.prediction_logits, batch["labels"][asked], here)


@dataclass(frozen=True)
class Alignment:
    """Tell whether the text belongs to the pictures, from [CLS]."""

    name = "alignment"

    def __call__(self, output: VideoBertOutput, batch: dict[str, torch.Tensor]) -> Score | None:
        """The score, or None if the batch has no pair."""
        here = batch["alignment"] != IGNORED
        return _score(output.alignment_logits, batch["alignment"], here)


COMPLETIONS = (MaskedCompletion(TEXT), MaskedCompletion(VIDEO), MaskedCompletion(JOINT))
OBJECTIVES = (*COMPLETIONS, Alignment())
COMPLETION_NAMES = frozenset(objective.name for objective in COMPLETIONS)


def total_loss(scores: Mapping[str, Score]) -> torch.Tensor:
    """The mean over all hidden ids, whatever their regime, plus the mean over all pairs.

    A regime counts by what it asks, that is by its share of the batch. The plain sum of the regimes' means would give the
    few ids of a small regime the weight of the many of a large one, and their noise: on a corpus like the
    demo's, text then learnt itself by heart and did not begin to look at the video.
    """
    completions = [score for name, score in scores.items() if name in COMPLETION_NAMES]
    asked = sum(score.asked for score in completions)
    terms = [score.loss * (score.asked / asked) for score in completions]
    terms += [score.loss for name, score in scores.items() if name not in COMPLETION_NAMES]
    return torch.stack(terms).sum()


def _score(all_logits: torch.Tensor, all_labels: torch.Tensor, here: torch.Tensor) -> Score | None:
    if not here.any():
        return None
    logits, labels = all_logits[here], all_labels[here]
    correct = int((logits.argmax(dim=1) == labels).sum())
    return Score(cross_entropy(logits.float(), labels), correct, len(labels))
