"""Which visual words stand behind masks: what forecasting and imagining share.

The masks follow what is known, ``[CLS] text [>] words [MASK] ... [MASK] [SEP]``; ``[>]`` is left
out if there is no text. A mask is read over the living visual words alone, by a softmax of their
logits. Dead words, which no clip can have, get 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from videobert.softmax import first_places, softmax
from workfolder.errors import InputError


@dataclass(frozen=True)
class VisualGuess:
    """A visual word with its probability among the living ones."""

    word: int
    probability: float


def likeliest(probabilities: np.ndarray, top: int) -> list[VisualGuess]:
    """List the ``top`` likeliest visual words of probabilities, [visual words], never dead ones."""
    best = first_places(probabilities, min(top, int((probabilities > 0).sum())))
    return [VisualGuess(word, float(probabilities[word])) for word in best.tolist()]


def masked_words(
    model: TrainedModel,
    texts: Sequence[str],
    visual: Sequence[Ids],
    masks: int,
    read: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of pairs with the probabilities at their last masks.

    Args:
        model: Reads the pairs.
        texts: The text of each pair, possibly empty.
        visual: The visual words of each pair; the last are kept if they are too many.
        masks: How many masks follow.
        read: How many of the last masks are read.

    Yields:
        The places of some pairs, and their probabilities, [pairs, read, visual words].

    Raises:
        InputError: if the masks take more than half of the model's longest sequence.
    """
    processor, longest = model.processor, model.network.config.max_position_embeddings
    room = longest - 3  # [CLS], [>] and [SEP]
    if masks > room // 2:
        raise InputError(
            f"{masks} masks are too many for a model of {longest} ids: give {room // 2} at most"
        )
    known = [words[max(0, len(words) - (room - masks)) :] for words in visual]
    dead = processor.codebook.tree.dead_words_
    for batch in in_batches(model, processor.text_ids(texts), known, masks):
        logits = batch.logits(batch.last(read))[..., processor.vocabulary.first_visual :]
        logits[..., dead] = -np.inf
        yield batch.places, softmax(logits)
