"""The states of words and clips, layer by layer: what most findings are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from videobert.inference import Batch, in_batches
from videobert.loading import TrainedModel
from videobert.sequences import Ids

TIMES = 50
"""Occurrences of one word that are looked at, at most."""


@dataclass(frozen=True)
class States:
    """What each layer makes of the words and clips of some rows; signs are left out.

    Attributes:
        layers: float32 [layers + 1, tokens, width], the first is what goes into the first layer.
        ids: int64 [tokens], of the joint vocabulary.
        rows: int64 [tokens], which row each stands in.
        places: int64 [tokens], where it stands in its row.
        seen: bool [tokens], whether it is a visual word.
    """

    layers: np.ndarray
    ids: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    seen: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, which: np.ndarray) -> States:
        """Select tokens, by a mask or by their numbers."""
        others = {name: getattr(self, name)[which] for name in ("ids", "rows", "places", "seen")}
        return replace(self, layers=self.layers[:, which], **others)

    def one_each(self, rng: np.random.Generator) -> States:
        """Draw one occurrence of each word."""
        order = rng.permutation(len(self))
        _, first = np.unique(self.ids[order], return_index=True)
        return self.only(order[first])

    def repeated(self) -> Iterator[np.ndarray]:
        """Yield the tokens of each word that occurs twice or more, TIMES at most."""
        order = np.argsort(self.ids, kind="stable")
        _, first = np.unique(self.ids[order], return_index=True)
        for tokens in np.split(order, first[1:]):
            if len(tokens) > 1:
                yield tokens[:TIMES]


def is_sign(batch: Batch) -> np.ndarray:
    """Mark signs, masks and padding, bool [rows, length]."""
    tokenizer, vocabulary = batch.model.processor.tokenizer, batch.model.processor.vocabulary
    kinds = ("cls", "sep", "pad", "mask")
    signs = [getattr(tokenizer, f"{kind}_token_id") for kind in kinds]
    return np.isin(batch.inputs["input_ids"], [*signs, vocabulary.joiner])


def read_states(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> States:
    """Run rows through the network.

    Args:
        model: of any family.
        texts: ids of each row's text, possibly none.
        visual: visual words of each row, possibly none.
    """
    parts = []
    for batch in in_batches(model, texts, visual):
        row, place = np.nonzero(~is_sign(batch))
        layers, ids = batch.layers()[:, row, place], batch.inputs["input_ids"][row, place]
        parts.append(States(layers, ids, batch.places[row], place, batch.seen[row, place]))
    names = ("ids", "rows", "places", "seen")
    others = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return States(np.concatenate([part.layers for part in parts], axis=1), **others)


def unit(states: np.ndarray) -> np.ndarray:
    """Scale states to length 1, float64 [..., width]; zeros stay zeros."""
    wide = states.astype(np.float64)
    norms = np.linalg.norm(wide, axis=-1, keepdims=True)
    scaled: np.ndarray = wide / np.maximum(norms, np.finfo(np.float64).tiny)
    return scaled
