"""What the model is trained to do, one small class each; the loss is the sum over them."""

from __future__ import annotations

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
        return _score(output.prediction_logits[here], batch["labels"][asked][here])


@dataclass(frozen=True)
class Alignment:
    """Tell whether the text belongs to the pictures, from [CLS]."""

    name = "alignment"

    def __call__(self, output: VideoBertOutput, batch: dict[str, torch.Tensor]) -> Score | None:
        """The score, or None if the batch has no pair."""
        here = batch["alignment"] != IGNORED
        return _score(output.alignment_logits[here], batch["alignment"][here])


OBJECTIVES = (MaskedCompletion(TEXT), MaskedCompletion(VIDEO), MaskedCompletion(JOINT), Alignment())


def _score(logits: torch.Tensor, labels: torch.Tensor) -> Score | None:
    if not len(labels):
        return None
    correct = int((logits.argmax(dim=1) == labels).sum())
    return Score(cross_entropy(logits.float(), labels), correct, len(labels))
