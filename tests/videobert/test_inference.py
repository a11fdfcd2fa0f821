"""Pairs in batches: which goes with which, what is asked of the network, and where its answers go."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.model import make_processor, toy_model
from tests.toys.network import MASKED, StandIn
from videobert.inference import in_batches
from videobert.loading import TrainedModel

SENTENCES = ["cut the onion", "stir the onion in a pan", "cut"]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model(SENTENCES * 2)


def test_pairs_of_like_length_go_together_and_keep_their_places(model: TrainedModel) -> None:
    texts = [[7] * length for length in (3, 0, 5, 1, 2)]
    visual = [[0] * length for length in (1, 0, 5, 1, 7)]  # together 4, 0, 10, 2, 9
    batches = list(in_batches(model, texts, visual, size=2))
    assert [batch.places.tolist() for batch in batches] == [[1, 3], [0, 4], [2]]
    for batch in batches:
        for place, mask in zip(batch.places, batch.inputs["attention_mask"], strict=True):
            both = bool(texts[place]) and bool(visual[place])
            assert int(mask.sum()) == 2 + len(texts[place]) + both + len(visual[place])


def test_masks_follow_the_visual_words_and_are_where_last_says() -> None:
    network = StandIn(make_processor(), odds=lambda text, words: float(len(words)))
    texts = network.processor.text_ids(["boil the egg", ""])
    (batch,) = in_batches(network.model, texts, [[1, 2], [3]], masks=2)
    assert batch.places.tolist() == [1, 0]
    assert batch.alignment().tolist() == [3, 4]
    assert network.read == [("", [3, MASKED, MASKED]), ("boil the egg", [1, 2, MASKED, MASKED])]
    assert np.array_equal(batch.last(2), batch.masked)
    assert batch.last(1).sum(axis=1).tolist() == [1, 1] and batch.seen.sum(axis=1).tolist() == [
        1,
        2,
    ]


def test_answers_are_those_of_each_pair_alone(model: TrainedModel) -> None:
    texts = model.processor.text_ids(SENTENCES)
    visual = [np.array([1, 2, 3]), np.array([4]), np.arange(8)]
    (together,) = in_batches(model, texts, visual)
    hidden, odds = together.hidden(), together.alignment()
    logits = together.logits(together.last(1))
    for row, place in enumerate(together.places):
        (alone,) = in_batches(model, [texts[place]], [visual[place]])
        length = int(alone.inputs["attention_mask"].sum())
        assert np.allclose(hidden[row, :length], alone.hidden()[0], atol=1e-4)
        assert np.allclose(odds[row], alone.alignment()[0], atol=1e-4)
        assert np.allclose(logits[row], alone.logits(alone.last(1))[0], atol=1e-4)


def test_logits_are_as_many_as_positions_were_chosen(model: TrainedModel) -> None:
    (batch,) = in_batches(model, [[7, 8], [9]], [[1], [2]])
    found = batch.logits(batch.seen)
    assert found.shape == (2, 1, model.processor.vocabulary.size)
    assert found.dtype == np.float32
