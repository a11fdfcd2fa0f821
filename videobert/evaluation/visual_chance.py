"""Chance among the living visual words."""

from __future__ import annotations

from collections.abc import Iterable

from tokenization.codebook import Codebook
from videobert.evaluation.accuracy import Accuracy


def chance(codebook: Codebook, ks: Iterable[int]) -> dict[int, Accuracy]:
    """How often a given visual word is among k that are drawn from the living ones, by k."""
    living = codebook.words - len(codebook.tree.dead_words_)
    shares = {k: min(1.0, k / living) for k in ks}
    return {k: Accuracy(share, share, share) for k, share in shares.items()}
