"""Any pairs of a text and visual words, through the network in batches of like length.

Shapes:
    rows: the pairs of a batch.
    length: the ids of its longest sequence.
    chosen: the positions that are asked about, as many in each row.
    width: the numbers of a hidden state.
    ids: the whole vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.loading import TrainedModel
from videobert.orders import MASKED, visible_to_ask
from videobert.sequences import ALIGNED, MISALIGNED, Ids

BATCH = 64


@dataclass(frozen=True)
class Batch:
    """Pairs that go through the network together; every answer is float32, on the CPU.

    Attributes:
        model: The network, its tokenizer and its codebook.
        places: Which of all pairs the rows are, int64 [rows].
        inputs: The network's inputs by name, each int64 [rows, length], on the CPU.
    """

    model: TrainedModel
    places: np.ndarray
    inputs: dict[str, torch.Tensor]

    @property
    def masked(self) -> torch.Tensor:
        """Where a [MASK] stands, bool [rows, length]."""
        return self.inputs["input_ids"] == self.model.processor.tokenizer.mask_token_id

    @property
    def seen(self) -> torch.Tensor:
        """Where a visual word stands, bool [rows, length]."""
        return self.inputs["input_ids"] >= self.model.processor.vocabulary.first_visual

    def last(self, count: int) -> torch.Tensor:
        """Mark the last ``count`` positions before [SEP], bool [rows, length]."""
        end = self.inputs["attention_mask"].sum(dim=1, keepdim=True) - 1
        position = torch.arange(self.inputs["input_ids"].shape[1])
        return (end - count <= position) & (position < end)

    @torch.no_grad()
    def hidden(self) -> torch.Tensor:
        """Compute the hidden states, [rows, length, width]."""
        states: torch.Tensor = self.model.network.encode(**self._there(self.inputs))
        return states.float().cpu()

    @torch.no_grad()
    def logits(self, at: torch.Tensor) -> torch.Tensor:
        """Compute the logits of all ids at chosen positions, [rows, chosen, ids].

        Args:
            at: The positions, bool [rows, length], as many in each row.
        """
        found = self.model.network(**self._there(self.inputs | {"predict_at": at}))
        logits: torch.Tensor = found.prediction_logits.float().cpu()
        return logits.view(len(at), -1, logits.shape[-1])

    @torch.no_grad()
    def alignment(self) -> torch.Tensor:
        """Compute the log odds that text and visual words belong together, in nats, [rows]."""
        # No position is asked about, so nothing is computed over the vocabulary.
        nowhere = torch.zeros_like(self.inputs["input_ids"], dtype=torch.bool)
        found = self.model.network(**self._there(self.inputs | {"predict_at": nowhere}))
        logits: torch.Tensor = found.alignment_logits
        return (logits[:, ALIGNED] - logits[:, MISALIGNED]).float().cpu()

    def _there(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        device, objective = self.model.network.device, self.model.network.config.objective
        if objective != MASKED:
            mask = self.model.processor.tokenizer.mask_token_id
            read = inputs["input_ids"], inputs["attention_mask"]
            inputs = {**inputs, "attention_mask": visible_to_ask(*read, mask, objective)}
        return {name: tensor.to(device) for name, tensor in inputs.items()}


def in_batches(
    model: TrainedModel,
    texts: Sequence[Ids],
    visual: Sequence[Ids],
    masks: int = 0,
    size: int = BATCH,
) -> Iterator[Batch]:
    """Yield the pairs in batches, short ones first, so that little of a batch is padding.

    Args:
        model: Reads the pairs.
        texts: WordPiece ids of each pair's text, without special ones, possibly none.
        visual: Visual words of each pair, possibly none.
        masks: How many [MASK]s follow the visual words.
        size: Pairs in a batch.
    """
    network, processor = model.network, model.processor
    longest = network.config.max_position_embeddings
    placeholders = np.zeros(masks, dtype=np.int64)
    lengths = [len(text) + len(words) for text, words in zip(texts, visual, strict=True)]
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), size):
        places = order[first : first + size]
        words = [np.append(np.asarray(visual[n], dtype=np.int64), placeholders) for n in places]
        inputs = processor.inputs([texts[place] for place in places], words, longest)
        batch = Batch(model, places, inputs)
        if masks:
            inputs["input_ids"][batch.last(masks)] = processor.tokenizer.mask_token_id
        yield batch
