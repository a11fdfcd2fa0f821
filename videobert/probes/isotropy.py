"""How narrow the cone is that states lie in, and how much of a word's state is its own.

Ethayarajh (2019), "How Contextual are Contextualized Word Representations?": mean cosine of random
words, self-similarity less that, and the variance that one vector explains. The gap between the
modalities is that of Liang et al. (2022), "Mind the Gap".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.probes.states import States, unit


@dataclass(frozen=True)
class Narrowness:
    """Of the words of one modality; each figure by layer.

    Attributes:
        cone: mean cosine of the states of two different words, -1 to 1.
        self_similarity: mean cosine of two states of one word, less ``cone``; None if no word is
            there twice.
        explained: the share of a word's squared states that one vector explains, less that of as
            many states of different words; None as above.
        words: how many words there are.
        once: how many of them occur once, and have no part in the last two figures.
    """

    cone: list[float]
    self_similarity: list[float] | None
    explained: list[float] | None
    words: int
    once: int


@dataclass(frozen=True)
class Isotropy:
    """The cone of text, that of video, and how they lie to each other; by layer.

    Attributes:
        text: of the pieces of sentences.
        video: of visual words.
        between: mean cosine of a piece and a visual word.
        gap: distance of the mean direction of text from that of video, 0 to 2.
    """

    text: Narrowness
    video: Narrowness
    between: list[float]
    gap: list[float]

    def __str__(self) -> str:
        wide, narrow = self.text.cone[-1], self.video.cone[-1]
        return (
            f"In the last layer two words have a cosine of {wide:.2f}, two visual words of "
            f"{narrow:.2f}, one of each of {self.between[-1]:.2f}."
        )


def mean_cosine(states: np.ndarray) -> float:
    """Return the mean cosine of all pairs of states [states, width]; two at least."""
    directions = unit(states)
    count, total = len(directions), directions.sum(axis=0)
    own = (directions**2).sum()
    return float((total @ total - own) / (count * (count - 1)))


def explained(states: np.ndarray) -> float:
    """Return the share of the sum of squares that one vector explains, [states, width]."""
    squares = np.linalg.svd(states.astype(np.float64), compute_uv=False) ** 2
    return float(squares[0] / max(squares.sum(), np.finfo(np.float64).tiny))


def measure_isotropy(states: States, seed: int = 0) -> Isotropy:
    """Measure the cones of text and video.

    Args:
        states: of both modalities, with two different words of each at least.
        seed: draws the occurrence that stands for each word.
    """
    rng = np.random.default_rng(seed)
    text, video = states.only(~states.seen), states.only(states.seen)
    means = [
        [unit(layer).mean(axis=0) for layer in part.one_each(rng).layers] for part in (text, video)
    ]
    pairs = list(zip(*means, strict=True))
    return Isotropy(
        measure_narrowness(text, rng),
        measure_narrowness(video, rng),
        [float(one @ other) for one, other in pairs],
        [float(np.linalg.norm(one - other)) for one, other in pairs],
    )


def measure_narrowness(states: States, rng: np.random.Generator) -> Narrowness:
    """Measure the cone of one modality."""
    single, groups = states.one_each(rng), list(states.repeated())
    cone = [mean_cosine(layer) for layer in single.layers]
    words = len(single)
    if not groups:
        return Narrowness(cone, None, None, words, words)
    # As many states of different words explain something by one vector, too.
    drawn = [rng.permutation(words)[: len(tokens)] for tokens in groups]
    own, chance = [], []
    for layer, others in zip(states.layers, single.layers, strict=True):
        own.append([(mean_cosine(layer[t]), explained(layer[t])) for t in groups])
        chance.append([explained(others[t]) for t in drawn])
    likeness, share = np.array(own).mean(axis=1).T
    return Narrowness(
        cone,
        (likeness - cone).tolist(),
        (share - np.array(chance).mean(axis=1)).tolist(),
        words,
        words - len(groups),
    )
