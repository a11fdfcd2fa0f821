"""Which visual words stand behind masks: what forecasting and imagining share.

The masks follow what is known, ``[CLS] text [>] words [MASK] ... [MASK] [SEP]``, without ``[>]`` where there is no text. A
mask is read over the living visual words alone: their logits, softmaxed. Dead words, which no clip can have, get 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError

BATCH = 64


@dataclass(frozen=True)
class VisualGuess:
    """A visual word with its probability among the living ones."""

    word: int
    probability: float


def likeliest(probabilities: torch.Tensor, top: int) -> list[VisualGuess]:
    """The ``top`` likeliest visual words of probabilities, [visual words], dead ones never."""
    best = probabilities.topk(min(top, int((probabilities > 0).sum())))
    return [
        VisualGuess(*pair) for pair in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


@torch.inference_mode()
def masked_words(
    model: TrainedModel,
    texts: Sequence[str],
    visual: Sequence[Ids],
    masks: int,
    read: int,
    batch: int = BATCH,
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Batches of pairs as (their places, probabilities at the last ``read`` masks, [pairs, read, visual words]).

    Of visual words that are too many for the model the last are kept. InputError if ``masks`` take more than half of it.
    """
    network, processor = model.network, model.processor
    longest = network.config.max_position_embeddings
    if masks > (longest - 3) // 2:
        raise InputError(
            f"{masks} masks are too many for a model of {longest} ids: give {(longest - 3) // 2} at most"
        )
    context = [words[max(0, len(words) - (longest - 3 - masks)) :] for words in visual]
    order = np.argsort([len(words) for words in context], kind="stable")
    dead = torch.from_numpy(processor.codebook.tree.dead_words_).long()
    for first in range(0, len(order), batch):
        places = order[first : first + batch]
        words = [
            np.append(np.asarray(context[place], dtype=np.int64), np.zeros(masks, dtype=np.int64))
            for place in places
        ]
        inputs = processor([texts[place] for place in places], words, longest)
        ends = inputs["attention_mask"].sum(dim=1, keepdim=True) - 1  # where [SEP] stands
        position = torch.arange(inputs["input_ids"].shape[1])
        inputs["input_ids"][(ends - masks <= position) & (position < ends)] = (
            processor.tokenizer.mask_token_id
        )
        inputs["predict_at"] = (ends - read <= position) & (position < ends)
        found = network(
            **{name: tensor.to(network.device) for name, tensor in inputs.items()}
        ).prediction_logits
        logits = (
            found[:, processor.vocabulary.first_visual :].float().cpu().view(len(places), read, -1)
        )
        logits[..., dead] = -torch.inf
        yield places, logits.softmax(dim=-1)
