"""What the model alone says of clips for a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.toys.model import make_processor, with_bank
from tests.toys.network import StandIn
from videobert.answers.judging import aligned, judged, likelihood_share, standardised
from videobert.answers.likelihood import likelihoods
from videobert.bank import SearchMix
from videobert.loading import TrainedModel

CLIPS = [np.array(words) for words in ([1], [2, 2], [3, 3, 3])]
SENTENCE = "now we boil the egg"


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """The head likes long clips, and the likelihood of egg is that of clip 2."""
    network = StandIn(
        make_processor(),
        odds=lambda text, words: float(len(words)),
        says=lambda words: {"egg": 5.0 * (2 in words)},
    )
    return with_bank(network.model)


def test_the_head_alone_says_its_log_odds(model: TrainedModel) -> None:
    assert aligned(model, SENTENCE, CLIPS).tolist() == [1, 2, 3]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_both_are_mixed_as_training_found(model: TrainedModel, share: float) -> None:
    mixed = replace(model, bank=replace(model.bank, search=SearchMix(0.5, share, 20)))
    likely = likelihoods(model, [SENTENCE], CLIPS)[0]
    wanted = share * standardised(likely) + (1 - share) * standardised(np.array([1.0, 2, 3]))
    assert judged(mixed, SENTENCE, CLIPS) == pytest.approx(wanted, abs=1e-5)


def test_two_words_for_an_action_are_left_to_the_likelihood(model: TrainedModel) -> None:
    sentences = ["boil the egg", "now the egg is boiled"]
    assert likelihood_share(model, sentences[:1], 0.25) == 1
    assert likelihood_share(model, sentences, 0.25) == 0.25
    without = replace(model, bank=None)  # and so without frames
    assert likelihood_share(without, sentences[:1], 0.25) == 0.25


def test_what_is_equal_for_all_clips_says_nothing() -> None:
    assert standardised(np.array([[2.0, 2, 2], [1, 2, 3]]))[0].tolist() == [0, 0, 0]
