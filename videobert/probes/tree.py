"""Whether states know the codebook's tree, which the model was never shown.

The probe is that of Hewitt and Manning (2019), "A Structural Probe for Finding Syntax": a matrix B
such that ``|B (h_i - h_j)|^2`` is the distance of i and j in the tree. There the tree is that of a
sentence. Here it is one tree of all visual words, so the probe is fitted on the mean states of some
words and measured on those of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata, spearmanr

from videobert.probes.states import States

WORDS, RANK = 400, 64
"""Words that are compared at most, and rows of B at most."""
STEPS, RATE = 300, 0.01
"""Of Adam over all pairs at once."""
FEW = 8
"""With fewer words there are too few pairs to fit on."""


@dataclass(frozen=True)
class TreeProbe:
    """How well distances in the tree are found again, by layer.

    Attributes:
        found: share of the best order that is possible: Spearman on words that were not fitted on,
            over the greatest that it can be with so many equal distances in the tree.
        control: the same where each word stands in the place of another, drawn word.
        words: how many words were compared.
    """

    found: list[float]
    control: list[float]
    words: int

    def __str__(self) -> str:
        best = int(np.argmax(self.found))
        return (
            f"Layer {best} knows the codebook's tree best: {self.found[best]:.2f} of the best "
            f"order, {self.control[best]:.2f} where words are swapped."
        )


def tree_distances(words: np.ndarray, branching: int, depth: int) -> np.ndarray:
    """Count the edges between visual words in the codebook's tree, int64 [words, words]."""
    found = np.zeros((len(words), len(words)), dtype=np.int64)
    for level in range(depth):
        node = words // branching**level
        found += 2 * (node[:, None] != node[None, :])
    return found


def fit_probe(states: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Find B by gradient descent on ``sum |distance - |B (h_i - h_j)|^2| / n^2``.

    B begins as the first principal axes, so that nothing is drawn.

    Args:
        states: [n, width].
        distances: in the tree, [n, n].

    Returns:
        B, float64 [rank, width].
    """
    centred = torch.tensor(states - states.mean(axis=0), dtype=torch.float64)
    truth = torch.tensor(distances, dtype=torch.float64)
    _, _, axes = torch.linalg.svd(centred)
    scale = truth.mean() / _squared(centred).mean().clamp_min(1e-12)
    learnt = (axes[:RANK] * scale.sqrt()).clone().requires_grad_()
    optimizer = torch.optim.Adam([learnt], lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = (_squared(centred @ learnt.T) - truth).abs().mean()
        loss.backward()
        optimizer.step()
        schedule.step()
    return learnt.detach().numpy()


def _squared(states: torch.Tensor) -> torch.Tensor:
    norms = states.square().sum(dim=1)
    return norms[:, None] + norms[None, :] - 2 * states @ states.T


def order_found(probe: np.ndarray, states: np.ndarray, distances: np.ndarray) -> float:
    """Return the share of the best order of distances, -1 to 1; the mean over words.

    Args:
        probe: B, [rank, width].
        states: [n, width].
        distances: in the tree, [n, n].
    """
    with torch.no_grad():
        guessed = _squared(torch.from_numpy(states @ probe.T)).numpy()
    shares = []
    for word in range(len(states)):
        others = np.arange(len(states)) != word
        truth, guess = distances[word, others], guessed[word, others]
        if np.ptp(truth) and np.ptp(guess):
            shares.append(spearmanr(truth, guess).statistic / _greatest(truth))
    return float(np.mean(shares)) if shares else 0.0


def _greatest(truth: np.ndarray) -> float:
    """Return the greatest Spearman between values with ties and values without any.

    Ranks of ties are their mean, so it is the ratio of the ranks' deviations.
    """
    return float(rankdata(truth).std() / np.arange(len(truth)).std())


def probe_tree(states: States, first_visual: int, branching: int, depth: int) -> TreeProbe | None:
    """Probe every layer, half of the words after the other.

    Args:
        states: of rows with clips.
        first_visual: the id of visual word 0.
        branching: children per node of the codebook.
        depth: its levels.

    Returns:
        None if there are fewer words than can be fitted on.
    """
    rng, seen = np.random.default_rng(0), states.only(states.seen)
    words = rng.permutation(np.unique(seen.ids))[:WORDS]
    if len(words) < FEW:
        return None
    truth = tree_distances(words - first_visual, branching, depth)
    swapped = rng.permutation(len(words))
    means = np.stack([seen.layers[:, seen.ids == word].mean(axis=1) for word in words], axis=1)
    control = truth[np.ix_(swapped, swapped)]
    return TreeProbe(
        [both_halves(layer, truth) for layer in means],
        [both_halves(layer, control) for layer in means],
        len(words),
    )


def both_halves(states: np.ndarray, distances: np.ndarray) -> float:
    """Fit on half of the words and measure on the other, and the other way round."""
    wide = states.astype(np.float64)
    halves = np.arange(len(wide)) % 2 == 0, np.arange(len(wide)) % 2 == 1
    found = []
    for fitted, measured in (halves, halves[::-1]):
        probe = fit_probe(wide[fitted], distances[np.ix_(fitted, fitted)])
        held_out = distances[np.ix_(measured, measured)]
        found.append(order_found(probe, wide[measured], held_out))
    return float(np.mean(found))
