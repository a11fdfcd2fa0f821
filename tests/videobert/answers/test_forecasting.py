from __future__ import annotations

import numpy as np
import pytest

from tests.toys.codebook import LIVING, WORDS
from tests.toys.model import living_words, make_processor
from tests.toys.network import MASKED, StandIn
from videobert.answers.forecasting import CONTEXT, STEPS, forecast
from videobert.evaluation.forecast_table import KS, METHODS, forecast_table
from videobert.evaluation.ngrams import NGrams
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


def test_a_bigram_learns_a_chain_that_a_unigram_cannot(processor: VideoBertProcessor) -> None:
    living = living_words(processor)

    def chain(begin: int, length: int) -> list[int]:
        return [living[(begin + 3 * place) % LIVING] for place in range(length)]

    def logits(text: str, words: list[int | None], place: int) -> list[float]:
        last = max(n for n, word in enumerate(words) if word is not MASKED)
        true = living[(living.index(words[last]) + 3 * (place - last)) % LIVING]
        return [5.0 * (word == true) for word in range(WORDS)]

    videos = {str(begin): chain(begin, 30) for begin in range(5)}
    table = forecast_table(
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
    table = forecast_table(StandIn(processor).model, videos, [living], steps=[1])
    after = videos["a"][1:]
    assert table.rows[1]["forecast"][1].value == pytest.approx(np.mean(after == living[0]))
    assert table.rows[1]["forecast"][5].value == pytest.approx(np.isin(after, living[:5]).mean())


def test_the_bigram_falls_back_on_the_unigram() -> None:
    counts = NGrams.fit([[0, 1, 0, 1, 0, 2], [4, 4, 4]], step=1, words=6)
    assert counts.unigram(1)[0] * 9 == pytest.approx([3, 2, 1, 0, 3, 0])
    known, unknown = counts.bigram(np.array([0, 5]))
    assert known.argsort()[::-1][:2].tolist() == [
        1,
        2,
    ]  # twice and once after 0, though 4 is commoner than either
    assert (
        unknown.argmax() == counts.counts.argmax()
        and (unknown.argsort() == counts.unigram(1)[0].argsort()).all()
    )
    two_ahead = NGrams.fit([[0, 1, 0, 1, 0, 2], [4, 4, 4]], step=2, words=6)
    assert two_ahead.following.toarray()[0].tolist() == [2, 0, 0, 0, 0, 0]
    assert NGrams.fit([[3]], step=2, words=6).bigram(np.array([3])).argmax() == 3


def test_so_many_words_are_drawn_and_the_seed_decides_which(processor: VideoBertProcessor) -> None:
    living = living_words(processor)
    videos = {"a": np.random.default_rng(0).choice(living, 200)}
    reads = []
    for seed in (0, 0, 1):
        network = StandIn(processor)
        assert forecast_table(
            network.model, videos, [living], steps=[1], most=20, seed=seed
        ).words == {1: 20}
        reads.append(network.read)
    assert reads[0] == reads[1] != reads[2]


def test_a_step_that_is_too_far_for_every_video_costs_only_itself(
    processor: VideoBertProcessor,
) -> None:
    living = living_words(processor)
    table = forecast_table(StandIn(processor).model, {"a": living[:5]}, [living])
    assert table.words == {1: 4, 2: 3, 4: 1, 8: 0} and list(table.rows) == [1, 2, 4]
    assert table.cells()[-1] == ["8 ahead, forecast", "left out", "left out"] and len(
        table.cells()
    ) == len(STEPS) * len(METHODS)


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
    with pytest.raises(
        InputError,
        match=r"no video has a clip 2 after its first: give longer videos, or a smaller --step",
    ):
        forecast_table(model, {"a": [0, 1]}, [[0, 1]], steps=[3, 2])
    with pytest.raises(InputError, match="training videos"):
        forecast_table(model, {"a": [0, 1]}, [[]], steps=[1])
