"""What is read for a forecast, and what cannot be forecast."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.codebook import LIVING, WORDS
from tests.toys.model import living_words, make_processor
from tests.toys.network import MASKED, StandIn
from videobert.answers.forecasting import CONTEXT, STEPS, forecast
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def test_the_last_words_are_followed_by_masks_up_to_the_horizon_and_the_last_mask_is_read(
    processor: VideoBertProcessor,
) -> None:
    living = living_words(processor)
    asked = []
    network = StandIn(
        processor,
        logits=lambda text, words, place: asked.append((len(words), place)) or [0.0] * WORDS,
    )
    clip = [living[place % LIVING] for place in range(40)]
    assert [found.step for found in forecast(network.model, clip)] == list(STEPS)
    for (text, words), (length, place), step in zip(network.read, asked, STEPS, strict=True):
        assert text == "" and words == clip[-CONTEXT:] + [MASKED] * step
        assert length == CONTEXT + step and place == length - 1
    network.read.clear()
    forecast(network.model, clip[:3], steps=[1], context=2)
    forecast(network.model, clip[:3], steps=[1], context=9)
    assert network.read == [("", [*clip[1:3], MASKED]), ("", [*clip[:3], MASKED])]


def test_probabilities_are_over_living_words_alone_and_the_likeliest_come_first(
    processor: VideoBertProcessor,
) -> None:
    (dead,) = processor.codebook.tree.dead_words_.tolist()
    living = living_words(processor)
    logits = np.full(WORDS, -50.0)
    logits[[dead, living[3], living[0]]] = 9.0, np.log(3), np.log(1)
    network = StandIn(processor, logits=lambda text, words, place: logits.tolist())
    (found,) = forecast(network.model, [living[1]], steps=[1], top=2)
    assert [guess.word for guess in found.guesses] == [living[3], living[0]]
    assert [guess.probability for guess in found.guesses] == pytest.approx([0.75, 0.25])
    (everything,) = forecast(network.model, [living[1]], steps=[1], top=100)
    assert sorted(guess.word for guess in everything.guesses) == living


def test_what_cannot_be_forecast_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor, max_length=19).model
    with pytest.raises(InputError, match="no visual words"):
        forecast(model, [])
    with pytest.raises(InputError, match="step of 0"):
        forecast(model, [0], steps=[0])
    with pytest.raises(InputError, match="context of 0"):
        forecast(model, [0], context=0)
    with pytest.raises(InputError, match="9 masks are too many for a model of 19 ids"):
        forecast(model, [0], steps=[9])
    assert forecast(model, [0] * 30, steps=[8], context=30)
