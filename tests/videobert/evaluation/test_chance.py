"""Chance against all orders, counted."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from videobert.evaluation.chance import chance_of_ranks
from videobert.evaluation.metrics.ranking import mean_ranks


@pytest.mark.parametrize("right", [1, 2, 3])
def test_ties_and_chance_are_what_all_orders_give_on_average(right: int) -> None:
    answers = 6
    ranks = np.array([min(order[:right]) + 1 for order in permutations(range(answers))])
    truth = np.arange(answers)[None] < right
    assert mean_ranks(np.zeros((1, answers)), truth)[0] == pytest.approx(ranks.mean())
    recall, median = chance_of_ranks(answers, np.array([right]), (1, 5, 10))
    assert [recall[k].value for k in (1, 5, 10)] == pytest.approx(
        [(ranks <= k).mean() for k in (1, 5, 10)]
    )
    assert median == np.sort(ranks)[(len(ranks) - 1) // 2]
