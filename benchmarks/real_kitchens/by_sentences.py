"""Naming a step by what training says: the sentences that fit it vote for their verbs and nouns.

A sentence is looked for as `videobert search` looks for a clip, the other way round. BM25 on the
words' profiles picks the candidates, and the alignment head judges them beside it. No label is
taught: the verb and the noun of a sentence are the first listed ones among its words.

Shapes: [steps] that are measured on, [sentences] of training that differ, [labels] of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.real_kitchens.corpus import (
    UNLABELLED,
    Fold,
    Kitchens,
    noun_of,
    said_verb,
    stretches,
)
from benchmarks.real_kitchens.learning import Variant
from benchmarks.real_kitchens.pairs import shown
from benchmarks.real_kitchens.questions import Hits, by_kind
from videobert.answers.alignment import alignment_scores
from videobert.answers.judging import interpolated
from videobert.answers.search import by_profiles
from videobert.bank import SearchMix
from videobert.data.clips import Clips
from videobert.data.stretches import different_sentences
from videobert.loading import TrainedModel

CANDIDATES = 50
"""Sentences that the head reads for a step."""
SHARPNESS = 2.0
"""A sentence has a vote of exp(SHARPNESS times its fit). 2, 4, 8 and the best sentence alone were
tried on the recordings to choose on, and shares of the head of 0, 1/4, 1/2, 3/4 and 1."""


def name_by_sentences(
    model: TrainedModel, fold: Fold, clips: dict[str, Clips], variant: Variant
) -> Hits:
    """Name the verb and the noun of every step that is measured on."""
    steps, learnt = fold.steps(fold.measured), fold.steps(fold.learnt)
    asked = [shown(each, variant) for each in stretches(steps, clips)]
    known = stretches(learnt, clips)
    sentences, _ = different_sentences(known)
    stage = by_profiles(asked, known, model.processor.codebook.words)
    bm25 = stage.for_texts(stage.index.questions(sentences)).T
    best = np.argsort(-bm25, axis=1, kind="stable")[:, :CANDIDATES]
    pairs = np.stack([best.ravel(), np.repeat(np.arange(len(asked)), best.shape[1])], axis=1)
    words = [each.words for each in asked]
    odds = alignment_scores(model, sentences, words, pairs).reshape(best.shape)
    mixed = interpolated(np.take_along_axis(bm25, best, 1), odds, SearchMix.model)
    other = np.roll(np.arange(len(asked)), len(asked) // 2)  # another step's pictures for each
    labels = [each[best] for each in labels_in(sentences, fold.kitchens)]
    counts = (len(fold.kitchens.verbs), len(fold.kitchens.nouns))
    told = [votes(mixed, each, count) for each, count in zip(labels, counts, strict=True)]
    scores = {"sentences": told, "sentences_shuffled": [each[other] for each in told]}
    return by_kind(steps, scores)


def labels_in(sentences: Sequence[str], kitchens: Kitchens) -> list[np.ndarray]:
    """Read verbs and nouns in sentences: their numbers or UNLABELLED, each int [sentences]."""
    found = []
    for listed, read in ((kitchens.verbs, said_verb), (kitchens.nouns, noun_of)):
        number = {name: place for place, name in enumerate(listed)}
        words = [read(sentence, listed) for sentence in sentences]
        found.append(np.array([number.get(word, UNLABELLED) for word in words]))
    return found


def votes(fits: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Add up what the candidates of each step say for each label, [steps, count].

    Args:
        fits: Of the candidates, [steps, candidates].
        labels: What each says, int [steps, candidates], or UNLABELLED.
        count: How many labels there are.
    """
    found = np.zeros((len(fits), count))
    rows, columns = np.nonzero(labels != UNLABELLED)
    np.add.at(found, (rows, labels[rows, columns]), np.exp(SHARPNESS * fits[rows, columns]))
    return found
