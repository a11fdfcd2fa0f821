"""What chance alone reaches, computed exactly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tokenization.codebook import Codebook
from videobert.evaluation.intervals import Estimate


def chance_in_top_k(labels: int, ks: Iterable[int]) -> dict[int, Estimate]:
    """Compute how often a given label is among k that are drawn, by k."""
    return {k: Estimate.exact(min(1.0, k / labels)) for k in ks}


def visual_chance_in_top_k(codebook: Codebook, ks: Iterable[int]) -> dict[int, Estimate]:
    """Compute how often a given visual word is among k that are drawn from the living ones."""
    return chance_in_top_k(codebook.words - len(codebook.tree.dead_words_), ks)


def chance_of_ranks(
    answers: int, right: np.ndarray, ks: Iterable[int]
) -> tuple[dict[int, Estimate], float]:
    """Compute what a random order of answers reaches on average.

    The best of r right answers of n is behind the first k with probability
    prod_{j<k} (n - r - j) / (n - j).

    Args:
        answers: How many answers are ranked.
        right: How many of them are right for each question, int [questions].
        ks: The depths at which recall is wanted.

    Returns:
        Recall by k, and the median rank of the best right answer.
    """
    missed, j = np.zeros(answers), np.arange(answers)
    for count, questions in zip(*np.unique(right, return_counts=True), strict=True):
        missed += questions * np.cumprod(np.maximum(answers - count - j, 0) / (answers - j))
    found = 1 - missed / len(right)
    recall = {k: Estimate.exact(float(found[min(k, answers) - 1])) for k in ks}
    return recall, float(np.searchsorted(found, 0.5 - 1e-12) + 1)
