"""Captioning as the loop of learning wants it: batches of segments, scores, loss.

Legend of shapes: [segments], [pieces] of a caption, [SEP] included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from videobert.finetune.captions.network import CaptionNetwork, Features
from videobert.learning.draws import Epochs
from videobert.learning.learner import Score

CAPTION = "caption"
"""The only objective: find the next piece of the sentence."""


@dataclass(frozen=True)
class Segments:
    """Features of segments, and their sentences.

    Attributes:
        features: float32 [segments, width] for each part.
        pieces: int64 [segments, pieces], padded.
        pad: id of [PAD].
    """

    features: Features
    pieces: torch.Tensor
    pad: int

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def tokens(self) -> int:
        """How many pieces are not padding."""
        return int((self.pieces != self.pad).sum())

    @property
    def prior_loss(self) -> float:
        """The loss per piece, in nats, of one who only knows how often each piece comes."""
        counts = torch.bincount(self.pieces[self.pieces != self.pad])
        return float(torch.distributions.Categorical(counts.double()).entropy())

    def at(self, places: np.ndarray | torch.Tensor) -> Segments:
        """Return some of the segments."""
        places = torch.as_tensor(places)
        features = {part: values[places] for part, values in self.features.items()}
        return Segments(features, self.pieces[places], self.pad)


@dataclass(frozen=True)
class CaptionLearner:
    """A captioner that may begin to learn.

    Attributes:
        model: with its first weights.
        learnt: the segments to learn from.
        kept_apart: the segments to validate on, possibly none.
        batch_size: segments in an update.
        seed: what the order of the segments follows from.
    """

    model: CaptionNetwork
    learnt: Segments
    kept_apart: Segments
    batch_size: int
    seed: int
    stage: str = "captioner"
    shown: Sequence[str] = (CAPTION,)

    def batch(self, step: int) -> Segments:
        """Draw the segments of a step; never more than there are."""
        size = len(self.learnt)
        epochs = Epochs(size, min(self.batch_size, size), (self.seed,))
        return self.learnt.at(epochs.batch(step))

    def validation(self) -> Iterator[Segments]:
        """Yield all segments that are kept apart."""
        if len(self.kept_apart):
            for places in torch.arange(len(self.kept_apart)).split(self.batch_size):
                yield self.kept_apart.at(places)

    def asked(self, batch: Segments) -> dict[str, int]:
        """Count the pieces to find."""
        return {CAPTION: batch.tokens}

    def scores(
        self, model: torch.nn.Module, batch: Segments, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Find each piece of the chosen segments' sentences, given the pieces before it."""
        part = batch.at(chosen)
        longest = int((part.pieces != part.pad).sum(dim=1).max())
        pieces = part.pieces[:, :longest].to(device)
        asked = pieces != part.pad
        logits, truth = model(part.features, pieces, asked), pieces[asked]
        loss = cross_entropy(logits, truth, reduction="sum")
        return {CAPTION: Score(loss, (logits.argmax(dim=1) == truth).sum())}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Return the mean over all pieces of the batch."""
        return scores[CAPTION].loss / asked[CAPTION]
