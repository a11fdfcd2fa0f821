"""Whether a sentence belongs to what is seen: the alignment head, asked about many pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from videobert.loading import TrainedModel
from videobert.modeling_videobert import ALIGNED, MISALIGNED
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Ids
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

BATCH = 128


@torch.inference_mode()
def alignment_scores(
    model: TrainedModel,
    texts: Sequence[str],
    visual: Sequence[Ids],
    pairs: np.ndarray,
    progress: Progress = silent,
) -> np.ndarray:
    """The head's log odds that a sentence and visual words belong together, in nats, float32 [pairs].

    Args:
        pairs: int [pairs, 2], the places of a text and of visual words. Pairs of like length go together, so that little
            is padding.
    """
    network = model.network
    layout = model.processor.layout(network.config.max_position_embeddings)
    ids = model.processor.text_ids(texts)
    lengths = (
        np.array([len(words) for words in ids])[pairs[:, 0]]
        + np.array([len(words) for words in visual])[pairs[:, 1]]
    )
    order = lengths.argsort(kind="stable")
    scores = np.empty(len(pairs), dtype=np.float32)
    for first in range(0, len(order), BATCH):
        places = order[first : first + BATCH]
        arrays = layout.pad_together(
            [layout.arrange(ids[text], visual[words]) for text, words in pairs[places]]
        )
        padded, types, mask = (torch.from_numpy(array).to(network.device) for array in arrays)
        # No position is to be completed: nothing is computed over the vocabulary.
        logits = network(
            padded, mask, types, predict_at=torch.zeros_like(padded, dtype=torch.bool)
        ).alignment_logits
        scores[places] = (logits[:, ALIGNED] - logits[:, MISALIGNED]).float().cpu().numpy()
        progress("alignment", first + len(places), len(order))
    return scores


def fits(
    model: TrainedModel, sentence: str, visual: Sequence[Ids], progress: Progress = silent
) -> np.ndarray:
    """The log odds that one sentence belongs to each of ``visual``, float32 [visual]."""
    pairs = np.stack([np.zeros(len(visual), dtype=int), np.arange(len(visual))], axis=1)
    return alignment_scores(model, [sentence], visual, pairs, progress)


def check_sentence(processor: VideoBertProcessor, sentence: str) -> None:
    """InputError if nothing is said, or nothing that the vocabulary can spell."""
    if not sentence.strip():
        raise InputError("the sentence is empty: write what is to be seen")
    if not set(processor.text_ids([sentence])[0]) - set(processor.tokenizer.all_special_ids):
        raise InputError(
            f"the sentence {sentence!r} cannot be spelt with the model's vocabulary: use other words"
        )
