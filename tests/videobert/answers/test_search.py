"""Search: candidates, mixed scores, and what cannot be searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.toys.codebook import WORDS
from tests.toys.model import living_words, make_processor, with_bank
from tests.toys.network import StandIn
from tests.toys.work_folder import make_stretches
from videobert.answers.judging import interpolated
from videobert.answers.options import SearchOptions
from videobert.answers.search import (
    by_profiles,
    by_transcripts,
    choose_search_mix,
    search,
    search_mix,
)
from videobert.bank import SearchMix
from videobert.data.stretches import Stretch
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


def test_search_finds_what_is_shown_also_where_nobody_speaks(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    passages = make_stretches(
        ("a", "hello there", living[:2]),
        ("a", "", living[2:4]),
        ("b", "boil the egg", living[4:6]),
        ("b", "", living[1:4]),
    )
    first = by_profiles(passages, training, WORDS)
    hits = search(
        StandIn(processor, says=meaning(living)).model,
        passages,
        "now the egg",
        first,
        SearchOptions(top=2),
    )
    assert [(hit.video_id, hit.start, hit.end, hit.text) for hit in hits] == [
        ("a", 6, 12, ""),
        ("b", 6, 12, ""),
    ]
    assert [hit.place for hit in hits] == [1, 3]
    assert hits[0].score > hits[1].score
    assert not any(hit.said for hit in hits)


def test_transcripts_find_what_is_said(processor: VideoBertProcessor, living: list[int]) -> None:
    passages = make_stretches(
        ("a", "", living[2:4]),
        ("b", "boil the egg", living[4:6]),
        ("b", "fry the onion", living[:2]),
    )
    hits = search(
        StandIn(processor).model,
        passages,
        "egg",
        by_transcripts(passages),
        SearchOptions(candidates=1),
    )
    assert [hit.text for hit in hits] == ["boil the egg"]


def test_what_is_said_word_for_word_comes_first_and_scores_one_more(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    passages = make_stretches(
        ("a", "chop the carrots", living[2:4]),
        ("a", "so now BOIL the egg, then", living[4:6]),
        ("b", "", living[2:4]),
    )
    first = by_profiles(passages, training, WORDS)
    for candidates in (1, 9):
        how = SearchOptions(candidates=candidates)
        network = StandIn(processor, says=meaning(living))
        hits = search(network.model, passages, "boil the egg", first, how)
        assert [hit.said for hit in hits] == [True] + [False] * (len(hits) - 1)
        assert hits[0].place == 1 and 1 <= hits[0].score <= 2
        assert all(0 <= hit.score <= 1 for hit in hits[1:])


def test_training_chooses_the_mix_that_ranks_best(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    nouns = ("carrot", "egg", "onion", "pan")
    asked = make_stretches(
        *((noun, f"{verb} the {noun}", living[2 * place : 2 * place + 2])
          for place, noun in enumerate(nouns) for verb in ("chop", "boil", "fry"))
    )  # fmt: skip
    right = with_bank(StandIn(processor, says=meaning(living)).model)
    assert choose_search_mix(right, [asked], training) == SearchMix(0.75, 0.5, 12)
    wrong = with_bank(StandIn(processor, says=opposite(living)).model)
    found = choose_search_mix(wrong, [asked, asked[:9]], training)
    assert found.model == 0 and found.asked == 12
    assert choose_search_mix(right, [asked[:9], []], training) == SearchMix()


def test_a_user_may_mix_otherwise_than_training_found(processor: VideoBertProcessor) -> None:
    plain = StandIn(processor).model
    model = with_bank(plain)
    model = replace(model, bank=replace(model.bank, search=SearchMix(0.25, 0.5, 20)))
    assert search_mix(model) == SearchMix(0.25, 0.5, 20)
    assert search_mix(model, 0.0) == SearchMix(0.0, 0.5, 20)
    assert search_mix(plain) == SearchMix(0.5, 0.5, 0)


@pytest.mark.parametrize(("weight", "order"), [(0.0, [0, 1]), (1.0, [1, 0])])
def test_the_model_reads_candidates_only_and_the_weight_is_its_own(
    processor: VideoBertProcessor,
    living: list[int],
    training: list[Stretch],
    weight: float,
    order: list[int],
) -> None:
    passages = make_stretches(
        ("a", "", [living[2]]), ("b", "", [living[2], living[6]]), ("c", "", [living[6]])
    )
    network = StandIn(processor, says=lambda words: {"egg": float(len(words))})
    first = by_profiles(passages, training, WORDS)
    hits = search(network.model, passages, "egg", first, SearchOptions(weight=weight, candidates=2))
    assert [hit.video_id for hit in hits] == ["ab"[place] for place in order]
    candidates = [[living[2]], [living[2], living[6]]]
    assert len(network.read) == (2 * len(candidates) if weight else 0)  # by head and likelihood
    assert all(words in candidates for _, words in network.read)


def test_a_word_that_the_first_stage_does_not_know_leaves_all_to_the_model(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    passages = make_stretches(("a", "", living[:2]), ("b", "", living[6:]), ("c", "", living[:2]))
    network = StandIn(processor, says=meaning(living))
    for first in (by_profiles(passages, training, WORDS), None):
        network.read.clear()
        hits = search(network.model, passages, "pan", first, SearchOptions(candidates=1))
        assert [hit.video_id for hit in hits] == ["b", "a", "c"]
        assert len(network.read) == 4  # what is equal is read once by each of the two


def test_a_search_that_cannot_be(
    processor: VideoBertProcessor, living: list[int], training: list[Stretch]
) -> None:
    model = StandIn(processor).model
    for sentence, reason in {"": "empty", "\t": "empty", "鍋": "cannot be spelt"}.items():
        with pytest.raises(InputError, match=reason):
            search(model, training, sentence)
    with pytest.raises(InputError, match="somebody speaks"):
        by_profiles(training, make_stretches(("a", "", living)), WORDS)
    with pytest.raises(InputError, match="weight of 2"):
        interpolated(np.ones((1, 2)), np.ones((1, 2)), 2)


def test_scores_are_mixed_without_a_unit() -> None:
    first, head = np.array([[1.0, 2, 6]]), np.array([[-30.0, 60, 0]])
    assert interpolated(first * 7 + 3, head, 0.4) == pytest.approx(interpolated(first, head, 0.4))
    assert interpolated(first, head, 0)[0] == pytest.approx((first[0] - 3) / np.std(first))
    assert interpolated(np.full((1, 3), 5.0), head, 0.5)[0] == pytest.approx(
        0.5 * (head[0] - 10) / np.std(head)
    )
