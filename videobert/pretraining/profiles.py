"""Where visual words lie among the words, by what is said while they are shown.

The profile of a visual word is the mean embedding of all that is said over it. A linear map from
centroids to profiles, by least squares, places those too over which little or nothing is said: what
looks alike begins alike, and near the words that go with it (compare E-BERT, Poerner et al., 2020).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from videobert.data.corpus import Corpus

RIDGE = 1e-3
"""Of the mean variance of the centroids, as there may be fewer words than dimensions."""


def profiles(
    corpus: Corpus, embeddings: np.ndarray, places: np.ndarray, signs: Collection[int]
) -> np.ndarray | None:
    """Place the visual words among the words.

    Args:
        corpus: whose examples say something over visual words.
        embeddings: [ids, width], of the pieces first.
        places: [visual words, any width], their centroids; NaN for dead words.
        signs: ids of pieces that say nothing.

    Returns:
        float32 [visual words, width], NaN for dead words; None if nobody speaks over any.
    """
    sums, counts = np.zeros((len(places), embeddings.shape[1])), np.zeros(len(places))
    for text, words in zip(corpus.texts, corpus.visual, strict=True):
        said = [int(piece) for piece in text if int(piece) not in signs]
        if said and len(words):
            mean = embeddings[said].mean(axis=0, dtype=np.float64)
            np.add.at(sums, words, mean)
            np.add.at(counts, words, 1)
    living = np.isfinite(places).all(axis=1)
    heard = living & (counts > 0)
    if not heard.any():
        return None
    weights = counts[heard][:, None] / counts[heard].sum()
    targets = sums[heard] / counts[heard][:, None]
    middle, aim = (weights * places[heard]).sum(axis=0), (weights * targets).sum(axis=0)
    given, wanted = np.sqrt(weights) * (places[heard] - middle), np.sqrt(weights) * (targets - aim)
    gram = given.T @ given
    ridge = RIDGE * max(np.trace(gram) / len(gram), np.finfo(np.float64).tiny)
    turned = np.linalg.solve(gram + ridge * np.eye(len(gram)), given.T @ wanted)
    found = np.full((len(places), embeddings.shape[1]), np.nan, dtype=np.float32)
    found[living] = (places[living] - middle) @ turned + aim
    return found
