"""The figures of a codebook: how many words are in use, how evenly, how tight each level is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokenization.codebook import Codebook


@dataclass(frozen=True)
class LevelReport:
    """One level of the tree.

    Attributes:
        level: 1 below the root, ``depth`` for the words.
        nodes: the number of nodes that have training clips.
        smallest: training clips of the smallest of these nodes.
        median: training clips of the middle one.
        largest: training clips of the largest one.
        inertia: sum of squared distances of the training clips to their node's centroid, in the
            space that was clustered.
        share: the inertia divided by that of the first level; 1 if that is 0.
    """

    level: int
    nodes: int
    smallest: int
    median: float
    largest: int
    inertia: float
    share: float


@dataclass(frozen=True)
class CodebookReport:
    """A codebook in figures.

    Attributes:
        words: branching ** depth.
        words_in_use: words that have training clips.
        dead_words: words that have none, and are never predicted.
        pictures: words in use that have a picture.
        perplexity: exp of the entropy of the training clips' words; so many equally frequent words
            would be as hard to guess.
        levels: from below the root to the words.
    """

    words: int
    words_in_use: int
    dead_words: int
    pictures: int
    perplexity: float
    levels: tuple[LevelReport, ...]


def inspect_codebook(codebook: Codebook) -> CodebookReport:
    """Compute the figures of a codebook from its tree; no features are read."""
    tree, dead = codebook.tree, len(codebook.tree.dead_words_)
    first = tree.inertia_by_level_[0]
    levels = zip(tree.sizes_, tree.inertia_by_level_, strict=True)
    return CodebookReport(
        words=codebook.words,
        words_in_use=codebook.words - dead,
        dead_words=dead,
        pictures=codebook.pictures.num_rows - codebook.pictures["jpeg"].null_count,
        perplexity=perplexity(tree.sizes_[-1]),
        levels=tuple(
            _level(number, sizes, inertia, first)
            for number, (sizes, inertia) in enumerate(levels, 1)
        ),
    )


def perplexity(counts: np.ndarray) -> float:
    """Compute exp of the entropy, in nats, of counts [things]; 0 if nothing was counted."""
    held = counts[counts > 0]
    if not len(held):
        return 0.0
    shares = held / held.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _level(number: int, sizes: np.ndarray, inertia: float, first: float) -> LevelReport:
    alive = sizes[sizes > 0]
    return LevelReport(
        level=number,
        nodes=len(alive),
        smallest=int(alive.min()),
        median=float(np.median(alive)),
        largest=int(alive.max()),
        inertia=float(inertia),
        share=float(inertia / first) if first else 1.0,
    )
