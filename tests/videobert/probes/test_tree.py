"""The tree probe: a planted tree is found in the states of words that it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.videobert.probes.planted import states_of
from videobert.probes.tree import both_halves, probe_tree, tree_distances

BRANCHING, DEPTH, NOISE = 5, 3, 4
WORDS = BRANCHING**DEPTH


def planted(seed: int) -> np.ndarray:
    """States in which a node of each level has a direction, behind noise that is louder."""
    rng, words = np.random.default_rng(seed), np.arange(WORDS)
    levels = [np.eye(WORDS)[words // BRANCHING**level] for level in range(DEPTH)]
    together = np.hstack([*levels, 3 * rng.normal(size=(WORDS, NOISE))])
    turn, _ = np.linalg.qr(rng.normal(size=(together.shape[1],) * 2))
    return together @ turn


def test_distances_are_edges_between_leaves() -> None:
    found = tree_distances(np.array([0, 1, 2, 4]), 2, 3)
    assert found.tolist() == [[0, 2, 4, 6], [2, 0, 4, 6], [4, 4, 0, 6], [6, 6, 6, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_tree_is_recovered_and_a_swapped_one_is_not(seed: int) -> None:
    states, ids = planted(seed), np.arange(WORDS)
    layers = np.stack([states, np.random.default_rng(seed).normal(size=states.shape)])
    found = probe_tree(states_of(layers, ids, np.ones(WORDS, dtype=bool)), 0, BRANCHING, DEPTH)
    assert found is not None
    assert found.found[0] > 0.99
    assert abs(found.found[1]) < 0.15
    assert abs(found.control[0]) < 0.15


def test_too_few_words_are_no_tree() -> None:
    states = states_of(planted(0)[None], np.arange(WORDS), np.arange(WORDS) < 4)
    assert probe_tree(states, 0, BRANCHING, DEPTH) is None
    assert both_halves(np.ones((8, 3)), tree_distances(np.arange(8), 2, 3)) == 0
