"""Sentences and clips that find each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_stretches
from videobert.data.stretches import Stretch
from videobert.evaluation import retrieval as tables
from videobert.evaluation.intervals import Estimate
from videobert.evaluation.retrieval import evaluate_retrieval, re_ranked
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


@pytest.fixture(scope="module")
def living(processor: VideoBertProcessor) -> list[int]:
    return living_words(processor)


@pytest.fixture(scope="module")
def training(living: list[int]) -> list[Stretch]:
    return make_stretches(
        ("t", "chop the carrot", living[:2]),
        ("t", "boil the egg", living[2:4]),
        ("t", "fry the onion", living[4:6]),
        ("t", "", living[6:7]),
    )


def meaning(living: list[int]) -> Callable[[list[int | None]], dict[str, float]]:
    """Logits that say how many of the visual words belong to each noun."""
    meant = {"carrot": living[:2], "egg": living[2:4], "onion": living[4:6], "pan": living[6:]}
    return lambda words: {
        noun: 2.0 * sum(word in known for word in words) - len(words)
        for noun, known in meant.items()
    }


def opposite(living: list[int]) -> Callable[[list[int | None]], dict[str, float]]:
    """Logits that are wrong wherever those of ``meaning`` are right."""
    return lambda words: {noun: -logit for noun, logit in meaning(living)(words).items()}


def test_intervals_draw_videos_both_ways(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    known = make_stretches(
        ("only", "chop the carrot", living[:1]), ("only", "boil the egg", living[2:3])
    )
    table = evaluate_retrieval(StandIn(processor).model, known, training)
    for way in (table.text_to_clip, table.clip_to_text):  # one video alone says nothing of others
        assert way["bm25"]["recall"][1] == Estimate(1, 0, 1)


def test_candidates_come_first_in_their_new_order() -> None:
    first, best = np.array([[4.0, 3, 2, 1]]), np.array([[0, 1]])
    assert (-re_ranked(first, best, np.array([[-7.0, 5]])))[0].argsort().tolist() == [1, 0, 2, 3]


def pool(living: list[int]) -> list[Stretch]:
    return make_stretches(
        ("a", "chop the carrot", living[:2]),
        ("a", "Chop the carrot", living[:1]),
        ("b", "boil the egg", living[2:4]),
        ("b", "", living[2:4]),
        ("c", "fry the onion", living[4:6]),
        ("c", "wash the pan", living[6:]),
    )


def test_equal_sentences_are_right_for_each_other(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    table = evaluate_retrieval(
        StandIn(processor, says=meaning(living)).model, pool(living), training
    )
    assert (table.sentences, table.passages) == (4, 5)
    for way in (table.text_to_clip, table.clip_to_text):
        assert way["likelihood"]["recall"][1].value == way["re_ranked"]["recall"][1].value == 1
        assert way["likelihood"]["median"] == 1
        assert (
            way["chance"]["recall"][1].value < way["bm25"]["recall"][1].value < 1
        )  # no profile knows the pan
    assert table.text_to_clip["chance"]["recall"][1].value == pytest.approx((2 + 1 + 1 + 1) / 4 / 5)
    assert table.clip_to_text["chance"]["recall"][1].value == pytest.approx(1 / 4)


def test_a_model_that_knows_nothing_or_worse_shows(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    wrong = evaluate_retrieval(
        StandIn(processor, says=opposite(living)).model, pool(living), training
    )
    constant = evaluate_retrieval(StandIn(processor).model, pool(living), training)
    for way in ("text_to_clip", "clip_to_text"):
        assert getattr(wrong, way)["likelihood"]["recall"][1].value == 0
        assert getattr(wrong, way)["likelihood"]["median"] > getattr(wrong, way)["chance"]["median"]
        assert getattr(constant, way)["likelihood"]["recall"][1].value == 0
        assert getattr(constant, way)["interpolated"] == getattr(constant, way)["bm25"]


def test_too_many_pairs_are_read_for_candidates_only(
    processor: VideoBertProcessor,
    living: list[int],
    training: list[Stretch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = StandIn(processor, says=meaning(living)).model
    whole = evaluate_retrieval(model, pool(living), training, candidates=2)
    monkeypatch.setattr(tables, "MOST_PAIRS", 3)
    monkeypatch.setattr(tables, "CHUNK", 2)
    spelt: list[int] = []
    spell = VideoBertProcessor.text_ids
    monkeypatch.setattr(
        VideoBertProcessor,
        "text_ids",
        lambda self, texts: spelt.append(len(texts)) or spell(self, texts),
    )
    told: list[tuple[str, int, int]] = []
    network = StandIn(processor, says=meaning(living))
    part = evaluate_retrieval(
        network.model,
        pool(living),
        training,
        candidates=2,
        progress=lambda *news: told.append(news),
    )
    assert set(spelt) == {1} and told == [
        ("text to clip", 2, 4), ("text to clip", 4, 4), ("clip to text", 2, 5), ("clip to text", 4, 5), ("clip to text", 5, 5),
    ]  # fmt: skip
    for way in ("text_to_clip", "clip_to_text"):
        rows = dict(getattr(whole, way))
        del rows["alignment"], rows["likelihood"]
        assert getattr(part, way) == rows
    assert len(network.read) <= 4 * (4 * 2 + 5 * 2)  # as a whole, and in thirds
    assert [row[1:] for row in part.cells() if row[0].endswith(("alignment", "likelihood"))] == [
        ["left out"] * 4
    ] * 4


def test_one_sentence_alone_has_nothing_to_be_told_from(
    processor: VideoBertProcessor, training: list[Stretch]
) -> None:
    with pytest.raises(InputError, match="different sentences"):
        evaluate_retrieval(
            StandIn(processor).model, make_stretches(("a", "egg", [1]), ("a", "EGG", [2])), training
        )
