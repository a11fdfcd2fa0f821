"""The same word elsewhere: where states turn with the place, the cosine falls as the turn says."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.probes.distance import FARTHEST, cosine_by_distance
from videobert.probes.states import States


def test_a_turn_by_place_is_found_by_distance() -> None:
    places = np.arange(FARTHEST + 4)
    turned = np.stack([np.cos(0.1 * places), np.sin(0.1 * places)], axis=1)
    layers = np.stack([np.ones_like(turned), turned])
    ids, seen = np.zeros(len(places), dtype=int), np.ones(len(places), dtype=bool)
    found = cosine_by_distance(States(layers, ids, np.arange(len(places)), places, seen))
    assert found.apart == list(range(1, FARTHEST + 1))
    assert found.cosine[0] == pytest.approx([1] * FARTHEST)
    assert found.cosine[1][:-1] == pytest.approx(np.cos(0.1 * np.arange(1, FARTHEST)))
    assert sum(found.pairs) == len(places) * (len(places) - 1) // 2


def test_two_occurrences_in_one_row_are_no_pair() -> None:
    ids, rows = np.array([5, 5, 5]), np.array([0, 0, 1])
    states = States(np.ones((1, 3, 2)), ids, rows, np.array([1, 2, 2]), np.ones(3, dtype=bool))
    found = cosine_by_distance(states)
    assert (found.apart, found.pairs) == ([0, 1], [1, 1])
    assert "No visual word" in str(cosine_by_distance(states.only(np.array([0, 1]))))
