"""A network whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import torch

from tests.toys.codebook import WORDS
from videobert.joint_network import VideoBertOutput
from videobert.loading import TrainedModel
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import ALIGNED, MISALIGNED

MASKED = None
"""The visual word that stands for [MASK]."""
Read = tuple[str, list[int | None]]
"""A sequence as a person would write it: its text, its visual words."""


@dataclass
class StandIn:
    """Answers by two functions and remembers what it read.

    Attributes:
        odds: takes a text and its visual words; returns the log odds that they are aligned.
        logits: takes a text, its visual words and the place of the masked one; returns the logits
            of all visual words.
        says: takes the visual words beside a text with a mask; returns the logits of some words
            of the text's language. All others have 0.
    """

    processor: VideoBertProcessor
    odds: Callable[[str, list[int | None]], float] = lambda text, words: 0.0
    logits: Callable[[str, list[int | None], int], Sequence[float]] = lambda text, words, place: (
        [0.0] * WORDS
    )
    says: Callable[[list[int | None]], Mapping[str, float]] = lambda words: {}
    max_length: int = 64
    read: list[Read] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = SimpleNamespace(max_position_embeddings=self.max_length, objective="masked")
        self.device = torch.device("cpu")

    @property
    def model(self) -> TrainedModel:
        return TrainedModel(self, self.processor)

    def __call__(
        self, input_ids, attention_mask, token_type_ids, predict_at=None
    ) -> VideoBertOutput:
        alignment, predictions = torch.zeros(len(input_ids), 2), []
        for row, (ids, mask, types) in enumerate(
            zip(input_ids, attention_mask, token_type_ids, strict=True)
        ):
            text, words, first = self._spell(
                ids[mask == 1].tolist()[1:-1], types[mask == 1].tolist()[1:-1]
            )
            self.read.append((text, words))
            odds = self.odds(text, words)
            alignment[row, ALIGNED], alignment[row, MISALIGNED] = odds + 1, 1
            for place in torch.nonzero(predict_at[row]).flatten().tolist():
                if place < first:
                    predictions.append(self._said(words))
                    continue
                assert words[place - first] is MASKED
                found = torch.full(
                    (self.processor.vocabulary.size,), 99.0
                )  # text is never to be read there
                found[self.processor.vocabulary.first_visual :] = torch.tensor(
                    self.logits(text, words, place - first)
                )
                predictions.append(found)
        return VideoBertOutput(
            torch.stack(predictions) if predictions else torch.empty(0), alignment
        )

    def _said(self, words: list[int | None]) -> torch.Tensor:
        found = torch.zeros(self.processor.vocabulary.size)
        found[self.processor.vocabulary.text_size :] = 99.0  # clips are never to be read there
        for word, logit in self.says(words).items():
            ((number,),) = self.processor.text_ids([word])
            found[number] = logit
        return found

    def _spell(self, ids: list[int], types: list[int]) -> tuple[str, list[int | None], int]:
        vocabulary, tokenizer = self.processor.vocabulary, self.processor.tokenizer
        text = [
            number
            for number, kind in zip(ids, types, strict=True)
            if not kind and number != vocabulary.joiner
        ]
        seen = [number for number, kind in zip(ids, types, strict=True) if kind]
        words = [
            MASKED if number == tokenizer.mask_token_id else number - vocabulary.first_visual
            for number in seen
        ]
        return tokenizer.decode(text), words, 1 + len(ids) - len(seen)
