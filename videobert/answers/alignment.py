"""Whether a sentence belongs to what is seen: the alignment head, asked about many pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.progress import Progress, silent

BATCH = 128
"""Pairs in a batch: nothing is computed over the vocabulary, so more fit than elsewhere."""


def alignment_scores(
    model: TrainedModel,
    texts: Sequence[str],
    visual: Sequence[Ids],
    pairs: np.ndarray,
    progress: Progress = silent,
) -> np.ndarray:
    """Score pairs of a sentence and visual words.

    Args:
        model: Judges the pairs.
        texts: The sentences.
        visual: The sequences of visual words.
        pairs: Places of a sentence and of visual words, int [pairs, 2].
        progress: Hears of the pairs that were read.

    Returns:
        The log odds that the two of a pair belong together, in nats, float32 [pairs].
    """
    return pair_scores(model, model.processor.text_ids(texts), visual, pairs, progress)


def alignments(
    model: TrainedModel, texts: Sequence[str], visual: Sequence[Ids], progress: Progress = silent
) -> np.ndarray:
    """Score all pairs; see ``alignment_scores``: float32 [texts, visual]."""
    shape = len(texts), len(visual)
    pairs = np.indices(shape).reshape(2, -1).T
    return alignment_scores(model, texts, visual, pairs, progress).reshape(shape)


def pair_scores(
    model: TrainedModel,
    texts: Sequence[Ids],
    visual: Sequence[Ids],
    pairs: np.ndarray,
    progress: Progress = silent,
) -> np.ndarray:
    """Score pairs as ``alignment_scores`` does, of sentences that are WordPiece ids."""
    said, seen = [texts[text] for text, _ in pairs], [visual[words] for _, words in pairs]
    scores, done = np.empty(len(pairs), dtype=np.float32), 0
    for batch in in_batches(model, said, seen, size=BATCH):
        scores[batch.places] = batch.alignment()
        done += len(batch.places)
        progress("alignment", done, len(pairs))
    return scores


def sentence_scores(
    model: TrainedModel, sentence: str, visual: Sequence[Ids], progress: Progress = silent
) -> np.ndarray:
    """Score one sentence beside each of some visual words; see ``alignment_scores``.

    Returns:
        The log odds, in nats, float32 [visual].
    """
    pairs = np.stack([np.zeros(len(visual), dtype=int), np.arange(len(visual))], axis=1)
    return alignment_scores(model, [sentence], visual, pairs, progress)
