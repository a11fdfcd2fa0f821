"""Any pairs of a text and visual words, through the network in batches of like length.

Shapes:
    rows: the pairs of a batch.
    length: the ids of its longest sequence.
    chosen: the positions that are asked about, as many in each row.
    width: the numbers of a hidden state.
    ids: the whole vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from videobert.loading import TrainedModel
from videobert.orders import IN_ORDERS, visible_to_ask
from videobert.sequences import ALIGNED, MISALIGNED, Ids

BATCH = 64


@dataclass(frozen=True)
class Batch:
    """Pairs that go through the network together; every answer is float32.

    Attributes:
        model: The network, its tokenizer and its codebook.
        places: Which of all pairs the rows are, int64 [rows].
        inputs: The network's inputs by name, each int64 [rows, length].
    """

    model: TrainedModel
    places: np.ndarray
    inputs: dict[str, np.ndarray]

    @property
    def masked(self) -> np.ndarray:
        """Where a [MASK] stands, bool [rows, length]."""
        found: np.ndarray = self.inputs["input_ids"] == self.model.processor.tokenizer.mask_token_id
        return found

    @property
    def seen(self) -> np.ndarray:
        """Where a visual word stands, bool [rows, length]."""
        found: np.ndarray = self.inputs["input_ids"] >= self.model.processor.vocabulary.first_visual
        return found

    def last(self, count: int) -> np.ndarray:
        """Mark the last ``count`` positions before [SEP], bool [rows, length]."""
        end = self.inputs["attention_mask"].sum(axis=1, keepdims=True) - 1
        position = np.arange(self.inputs["input_ids"].shape[1])
        return np.asarray((end - count <= position) & (position < end))

    def hidden(self) -> np.ndarray:
        """Compute the hidden states, [rows, length, width]."""
        return self._ask(self.model.network.encode, self.inputs)

    def layers(self) -> np.ndarray:
        """Compute the hidden states of every layer, [layers, rows, length, width]."""
        return self._ask(partial(_stacked, self.model.network), self.inputs)

    def logits(self, at: np.ndarray) -> np.ndarray:
        """Compute the logits of all ids at chosen positions, [rows, chosen, ids].

        Args:
            at: The positions, bool [rows, length], as many in each row.
        """
        ask = partial(_said, self.model.network, "prediction_logits")
        logits = self._ask(ask, self.inputs | {"predict_at": at})
        return logits.reshape(len(at), -1, logits.shape[-1])

    def alignment(self) -> np.ndarray:
        """Compute the log odds that text and visual words belong together, in nats, [rows]."""
        # No position is asked about, so nothing is computed over the vocabulary.
        nowhere = np.zeros_like(self.inputs["input_ids"], dtype=bool)
        ask = partial(_said, self.model.network, "alignment_logits")
        logits = self._ask(ask, self.inputs | {"predict_at": nowhere})
        odds: np.ndarray = logits[:, ALIGNED] - logits[:, MISALIGNED]
        return odds

    def _ask(self, ask: Callable[..., Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Ask a network of torch, or one that needs none; see plain_network."""
        network = self.model.network
        if network.config.objective in IN_ORDERS:
            mask = self.model.processor.tokenizer.mask_token_id
            read = inputs["input_ids"], inputs["attention_mask"]
            seen = visible_to_ask(*read, mask, network.config.objective)
            inputs = {**inputs, "attention_mask": seen}
        if network.device is None:
            return np.asarray(ask(**inputs))
        import torch

        there = {name: torch.from_numpy(each).to(network.device) for name, each in inputs.items()}
        with torch.no_grad():
            found: torch.Tensor = ask(**there)
        return found.float().cpu().numpy()


def _said(network: Callable[..., Any], what: str, **inputs: Any) -> Any:
    return getattr(network(**inputs), what)


def _stacked(network: Any, **inputs: Any) -> Any:
    import torch

    return torch.stack(network.states(**inputs))


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
        inputs = processor.arrays([texts[place] for place in places], words, longest)
        batch = Batch(model, places, inputs)
        if masks:
            inputs["input_ids"][batch.last(masks)] = processor.tokenizer.mask_token_id
        yield batch
