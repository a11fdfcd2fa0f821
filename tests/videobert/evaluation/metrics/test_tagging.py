from __future__ import annotations

import random

import numpy as np
import pytest
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from sklearn.metrics import roc_auc_score

from videobert.evaluation.metrics.tagging import (
    area_under_curve,
    average_precision,
    edit_score,
    f1,
    segment_counts,
    span_counts,
    spans_of,
)

TAGS = ["O", "O", "B-VERB", "I-VERB", "B-NOUN", "I-NOUN"]


def test_spans_and_their_f1_are_seqevals_on_a_thousand_random_rows() -> None:
    rng = random.Random(0)
    rows = [
        [[rng.choice(TAGS) for _ in range(length)] for _ in range(2)]
        for length in (rng.randint(1, 12) for _ in range(1000))
    ]
    for found, _ in rows:
        theirs = [(label, first, last + 1) for label, first, last in get_entities(found)]
        assert spans_of(found) == theirs
    counts = np.stack([span_counts(*row) for row in rows])
    theirs = f1_score([true for _, true in rows], [found for found, _ in rows])
    assert f1(counts) == pytest.approx(theirs, abs=1e-12)


def test_a_segment_is_right_by_its_overlap_and_taken_once() -> None:
    true = "B-a I-a I-a I-a O B-b I-b".split()
    found = "B-a I-a B-a O O B-b I-b".split()
    assert segment_counts(found, true, 0.5).tolist() == [2, 3, 2]  # one half of a, and b
    assert segment_counts(found, true, 0.6).tolist() == [1, 3, 2]
    assert segment_counts(["O"] * 7, true, 0.1).tolist() == [0, 0, 2]
    assert f1(segment_counts(true, true, 1.0)) == 1.0


def test_the_edit_score_looks_at_the_order_alone() -> None:
    true = "B-a I-a I-a B-b B-c".split()
    assert edit_score(true, true) == 1.0
    assert edit_score("B-a B-b I-b I-b B-c".split(), true) == 1.0
    assert edit_score("B-b B-c O O O".split(), true) == pytest.approx(2 / 3)
    assert edit_score("B-b B-a B-c O O".split(), true) == pytest.approx(1 / 3)
    assert edit_score(["O"], ["O"]) == 1.0 and edit_score(["O"], ["B-a"]) == 0.0


def test_areas_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(9, size=200) / 9.0, rng.integers(2, size=200)
    assert area_under_curve(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert np.isnan(area_under_curve(scores, np.ones(200)))
    assert average_precision(np.array([3, 2, 1]), np.array([1, 0, 1])) == pytest.approx(5 / 6)
    assert np.isnan(average_precision(scores, np.zeros(200)))
