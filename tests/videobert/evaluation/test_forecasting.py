"""Forecasts beside chance and n-grams."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.codebook import LIVING, WORDS
from tests.toys.model import living_words, make_processor
from tests.toys.network import MASKED, StandIn
from videobert.answers.forecasting import STEPS
from videobert.evaluation.forecasting import KS, METHODS, evaluate_forecasts
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def test_a_bigram_learns_a_chain_that_a_unigram_cannot(processor: VideoBertProcessor) -> None:
    living = living_words(processor)

    def chain(begin: int, length: int) -> list[int]:
        return [living[(begin + 3 * place) % LIVING] for place in range(length)]

    def logits(text: str, words: list[int | None], place: int) -> list[float]:
        last = max(n for n, word in enumerate(words) if word is not MASKED)
        true = living[(living.index(words[last]) + 3 * (place - last)) % LIVING]
        return [5.0 * (word == true) for word in range(WORDS)]

    videos = {str(begin): chain(begin, 30) for begin in range(5)}
    table = evaluate_forecasts(
        StandIn(processor, logits=logits).model, videos, [chain(0, 60), chain(2, 31)]
    )
    for step in STEPS:
        rows = table.rows[step]
        assert table.words[step] == 5 * (30 - step)
        assert rows["bigram"][1].value == rows["forecast"][1].value == 1
        assert rows["unigram"][1].value < 0.3 and 0.6 < rows["unigram"][5].value < 0.8
        assert [rows["chance"][k].value for k in KS] == pytest.approx([1 / LIVING, 5 / LIVING])
    assert len(table.cells()) == len(STEPS) * len(METHODS)


def test_a_constant_forecast_is_no_better_than_the_first_words(
    processor: VideoBertProcessor,
) -> None:
    living = living_words(processor)
    videos = {"a": np.repeat(living, 2)}
    table = evaluate_forecasts(StandIn(processor).model, videos, [living], steps=[1])
    after = videos["a"][1:]
    assert table.rows[1]["forecast"][1].value == pytest.approx(np.mean(after == living[0]))
    assert table.rows[1]["forecast"][5].value == pytest.approx(np.isin(after, living[:5]).mean())


def test_so_many_words_are_drawn_and_the_seed_decides_which(processor: VideoBertProcessor) -> None:
    living = living_words(processor)
    videos = {"a": np.random.default_rng(0).choice(living, 200)}
    reads = []
    for seed in (0, 0, 1):
        network = StandIn(processor)
        assert evaluate_forecasts(
            network.model, videos, [living], steps=[1], most=20, seed=seed
        ).words == {1: 20}
        reads.append(network.read)
    assert reads[0] == reads[1] != reads[2]


def test_a_step_that_is_too_far_for_every_video_costs_only_itself(
    processor: VideoBertProcessor,
) -> None:
    living = living_words(processor)
    table = evaluate_forecasts(StandIn(processor).model, {"a": living[:5]}, [living])
    assert table.words == {1: 4, 2: 3, 4: 1, 8: 0} and list(table.rows) == [1, 2, 4]
    assert table.cells()[-1] == ["8 ahead, forecast", "left out", "left out"] and len(
        table.cells()
    ) == len(STEPS) * len(METHODS)


def test_what_cannot_be_forecast_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor).model
    with pytest.raises(
        InputError,
        match=r"no video has a clip 2 after its first: give longer videos, or a smaller --step",
    ):
        evaluate_forecasts(model, {"a": [0, 1]}, [[0, 1]], steps=[3, 2])
    with pytest.raises(InputError, match="training videos"):
        evaluate_forecasts(model, {"a": [0, 1]}, [[]], steps=[1])
