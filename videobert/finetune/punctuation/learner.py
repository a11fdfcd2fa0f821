"""Restoring punctuation as the loop of learning wants it: batches of windows, scores, loss.

Each epoch cuts every transcript into windows anew, so that no word always stands at an edge.

Legend of shapes: [windows], [length] of the longest of them with [CLS], [words] of a transcript.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForTokenClassification

from feature_extraction.hearing.punctuation.restorer import (
    CLS,
    PAD,
    PunctuationRestorer,
    padded,
    tag_scores,
)
from videobert.finetune.punctuation.options import PunctuationOptions
from videobert.finetune.punctuation.transcripts import IGNORED, Transcript
from videobert.learning.draws import Epochs
from videobert.learning.learner import Score

MARKS = "marks"
"""The only objective: find the mark after each word."""
ORDER, CUTS, FORGOTTEN = range(3)
"""What tells apart the draws of one seed."""


@dataclass(frozen=True)
class Windows:
    """Windows of words.

    Attributes:
        ids: int64 [windows, length].
        mask: int64 [windows, length], 0 on padding.
        tags: int64 [windows, length], IGNORED where nothing is asked.
    """

    ids: np.ndarray
    mask: np.ndarray
    tags: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tokens(self) -> int:
        """How many ids are not padding."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class PunctuationLearner:
    """A restorer that may begin to learn.

    Attributes:
        restorer: with its first weights.
        transcripts: what it learns from.
        options: batch, window, share of forgotten words, seed.
    """

    restorer: PunctuationRestorer
    transcripts: Sequence[Transcript]
    options: PunctuationOptions
    stage: str = "punctuation"
    shown: Sequence[str] = (MARKS,)

    @property
    def model(self) -> BertForTokenClassification:
        """The restorer's network."""
        return self.restorer.model

    @cached_property
    def _ids(self) -> list[np.ndarray]:
        """For each transcript its ids, int64 [words]."""
        return [self.restorer.vocabulary.ids(made.words) for made in self.transcripts]

    @cached_property
    def _windows(self) -> np.ndarray:
        """The transcript and the number within it of every window, int64 [all windows, 2]."""
        sizes = [len(ids) for ids in self._ids]
        counts = [1 + -(-(size - 1) // self.options.window) for size in sizes]
        return np.array([(n, k) for n, count in enumerate(counts) for k in range(count)])

    @cached_property
    def _epochs(self) -> Epochs:
        size = len(self._windows)
        return Epochs(size, min(self.options.batch_size, size), (self.options.seed, ORDER))

    @cached_property
    def _endings(self) -> np.ndarray:
        """For each entry of the vocabulary the id of its ending."""
        vocabulary = self.restorer.vocabulary
        return np.array([vocabulary.ending_id(entry) for entry in vocabulary.entries])

    def batch(self, step: int) -> Windows:
        """Cut the windows of a step, and read some of their words as endings."""
        windows, epochs = self._windows[self._epochs.batch(step)], self._epochs.epochs(step)
        drawn = np.column_stack([windows, epochs]).tolist()
        spans = [self._span(number, window, epoch) for number, window, epoch in drawn]
        places = self.restorer.vocabulary.places
        ids, mask = padded([self._ids[n][a:b] for n, a, b in spans], places[CLS], places[PAD])
        tags, _ = padded([self.transcripts[n].tags[a:b] for n, a, b in spans], IGNORED, IGNORED)
        rng = np.random.default_rng([self.options.seed, FORGOTTEN, step])
        forgotten = (rng.random(ids.shape) < self.options.forgotten) & (tags != IGNORED)
        return Windows(np.where(forgotten, self._endings[ids], ids), mask, tags)

    def _span(self, number: int, window: int, epoch: int) -> tuple[int, int, int]:
        """Return a transcript and the bounds of one of its windows; the last may be empty."""
        width, size = self.options.window, len(self._ids[number])
        rng = np.random.default_rng([self.options.seed, CUTS, epoch, number])
        end = int(rng.integers(1, width + 1)) + window * width
        return number, min(max(end - width, 0), size), min(end, size)

    def validation(self) -> Iterator[Windows]:
        """Yield nothing: what is held out is for the evaluation."""
        return iter(())

    def asked(self, batch: Windows) -> dict[str, int]:
        """Count the words whose mark is asked for."""
        return {MARKS: int((batch.tags != IGNORED).sum())}

    def scores(
        self, model: torch.nn.Module, batch: Windows, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Find the mark after each word of the chosen windows."""
        ids, mask, tags = (
            torch.from_numpy(array[chosen]).to(device)
            for array in (batch.ids, batch.mask, batch.tags)
        )
        asked = tags != IGNORED
        found = tag_scores(model, ids, mask)[asked].float()  # type: ignore[arg-type]
        loss = cross_entropy(found, tags[asked], reduction="sum")
        return {MARKS: Score(loss, (found.argmax(dim=1) == tags[asked]).sum())}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Return the mean over all words that are asked about."""
        return scores[MARKS].loss / max(asked[MARKS], 1)
