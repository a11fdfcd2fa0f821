from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import log

import numpy as np
import pytest
from scipy.sparse import csr_array

from tests.toys.codebook import WORDS
from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_passages
from videobert.answers.alignment import alignment_scores
from videobert.answers.bm25 import BM25
from videobert.answers.search import by_profiles, by_transcripts, interpolated, search
from videobert.data.passages import Passages
from videobert.evaluation import retrieval_table as tables
from videobert.evaluation.accuracy import Accuracy
from videobert.evaluation.retrieval_table import chance, mean_ranks, promoted, retrieval_table
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


@pytest.fixture(scope="module")
def living(processor: VideoBertProcessor) -> list[int]:
    return living_words(processor)


@pytest.fixture(scope="module")
def training(living: list[int]) -> Passages:
    return make_passages(
        ("t", "chop the carrot", living[:2]),
        ("t", "boil the egg", living[2:4]),
        ("t", "fry the onion", living[4:6]),
        ("t", "", living[6:7]),
    )


def meaning(living: list[int]) -> Callable[[str, list[int | None]], float]:
    """Log odds that say how many of the visual words belong to the sentence."""
    meant = {"carrot": living[:2], "egg": living[2:4], "onion": living[4:6], "pan": living[6:]}
    return lambda text, words: (
        float(sum(word in meant[text.split()[-1]] for word in words)) - len(words) / 2
    )


# BM25


def test_bm25_is_the_formula() -> None:
    index = BM25.fit(["chop chop the carrot", "boil the egg", "The onion"])
    found = (index.questions(["Chop the... unheard-of"]) @ index.weights.T).toarray()[0]
    mean = (4 + 3 + 2) / 3

    def term(count: int, seen_in: int, length: int) -> float:
        return (
            log(1 + (3 - seen_in + 0.5) / (seen_in + 0.5))
            * count
            / (count + 1.2 * (1 - 0.75 + 0.75 * length / mean))
        )

    expected = [(term(2, 1, 4) + term(1, 3, 4)) / 2, term(1, 3, 3) / 2, term(1, 3, 2) / 2]
    assert found == pytest.approx(expected)


def test_a_document_may_be_an_average_of_texts() -> None:
    texts = ["chop the carrot", "boil the egg", "boil the carrot"]
    halves = csr_array([[0.5, 0, 0.5], [0, 1, 0], [0, 0, 0]])
    mixed, plain = BM25.fit(texts, halves), BM25.fit(texts)
    carrot, egg = (mixed.questions(["carrot", "egg"]) @ mixed.weights.T).toarray()
    assert (
        carrot[0] == pytest.approx(log(1 + 1.5 / 2.5) * 1 / (1 + 1.2))
        and carrot[1] == carrot[2] == egg[2] == 0
    )
    assert egg[1] == pytest.approx((plain.questions(["egg"]) @ plain.weights.T).toarray()[0, 1])


def test_bm25_without_a_term() -> None:
    with pytest.raises(InputError, match=r"somebody speaks, .*--first-stage none"):
        BM25.fit(["", " ?"])
    index = BM25.fit(["chop"])
    assert not index.questions(["", "fly"]).toarray().any()


# The head


def test_scores_of_pairs_do_not_depend_on_their_neighbours_and_nothing_is_completed(
    processor: VideoBertProcessor, living: list[int]
) -> None:
    texts, visual = (
        ["egg", "boil the egg chop the carrot", "onion"],
        [living, living[:1], living[2:5]],
    )
    network = StandIn(processor, odds=lambda text, words: len(text) + sum(words) / 10)
    pairs = np.indices((3, 3)).reshape(2, -1).T[::-1]
    expected = [len(texts[t]) + sum(visual[v]) / 10 for t, v in pairs]
    assert alignment_scores(network.model, texts, visual, pairs) == pytest.approx(expected)


# Search


def test_search_finds_what_is_shown_also_where_nobody_speaks(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    passages = make_passages(
        ("a", "hello there", living[:2]),
        ("a", "", living[2:4]),
        ("b", "boil the egg", living[4:6]),
        ("b", "", living[1:4]),
    )
    first = by_profiles(passages, training, WORDS)
    hits = search(
        StandIn(processor, odds=meaning(living)).model, passages, "now the egg", first, top=2
    )
    assert [(hit.video_id, hit.start, hit.end, hit.text) for hit in hits] == [
        ("a", 6, 12, ""),
        ("b", 6, 12, ""),
    ]
    assert [hit.place for hit in hits] == [1, 3]
    assert hits[0].score > hits[1].score
    assert [hit.aligned for hit in hits] == pytest.approx(
        [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-0.5))]
    )


def test_transcripts_find_what_is_said(processor: VideoBertProcessor, living: list[int]) -> None:
    passages = make_passages(
        ("a", "", living[2:4]),
        ("b", "boil the egg", living[4:6]),
        ("b", "fry the onion", living[:2]),
    )
    hits = search(StandIn(processor).model, passages, "egg", by_transcripts(passages), candidates=1)
    assert [hit.text for hit in hits] == ["boil the egg"]


@pytest.mark.parametrize(("weight", "order"), [(0.0, [0, 1]), (1.0, [1, 0])])
def test_the_head_reads_candidates_only_and_the_weight_is_its_own(
    processor: VideoBertProcessor,
    living: list[int],
    training: Passages,
    weight: float,
    order: list[int],
) -> None:
    passages = make_passages(
        ("a", "", [living[2]]), ("b", "", [living[2], living[6]]), ("c", "", [living[6]])
    )
    network = StandIn(processor, odds=lambda text, words: float(len(words)))
    first = by_profiles(passages, training, WORDS)
    hits = search(network.model, passages, "egg", first, weight=weight, candidates=2)
    assert [hit.video_id for hit in hits] == ["ab"[place] for place in order]
    assert sorted(words for _, words in network.read) == sorted(
        [[living[2]], [living[2], living[6]]]
    )


def test_a_word_that_the_first_stage_does_not_know_leaves_all_to_the_head(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    passages = make_passages(("a", "", living[:2]), ("b", "", living[6:]), ("c", "", living[:2]))
    network = StandIn(processor, odds=meaning(living))
    for first in (by_profiles(passages, training, WORDS), None):
        network.read.clear()
        hits = search(network.model, passages, "pan", first, candidates=1)
        assert [hit.video_id for hit in hits] == ["b", "a", "c"]
        assert len(network.read) == 2  # what is equal is read once


def test_a_search_that_cannot_be(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    model = StandIn(processor).model
    for sentence, reason in {"": "empty", "\t": "empty", "鍋": "cannot be spelt"}.items():
        with pytest.raises(InputError, match=reason):
            search(model, training, sentence)
    with pytest.raises(InputError, match="somebody speaks"):
        by_profiles(training, make_passages(("a", "", living)), WORDS)
    with pytest.raises(InputError, match="weight of 2"):
        search(model, training, "egg", by_transcripts(training), weight=2)


def test_scores_are_mixed_without_a_unit() -> None:
    first, head = np.array([[1.0, 2, 6]]), np.array([[-30.0, 60, 0]])
    assert interpolated(first * 7 + 3, head, 0.4) == pytest.approx(interpolated(first, head, 0.4))
    assert interpolated(first, head, 0)[0] == pytest.approx((first[0] - 3) / np.std(first))
    assert interpolated(np.full((1, 3), 5.0), head, 0.5)[0] == pytest.approx(
        0.5 * (head[0] - 10) / np.std(head)
    )


# Ranks


def test_the_rank_is_that_of_the_best_right_answer() -> None:
    scores = np.array([[9.0, 8, 7, 6], [1, 2, 3, 4], [5, 5, 5, 5]])
    right = np.array([[0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]], dtype=bool)
    assert mean_ranks(scores, right).tolist() == [3, 1, 2.5]


def test_the_rank_of_what_is_no_number_is_behind_all_others() -> None:
    right = np.array([[1, 0, 0]], dtype=bool)
    assert (
        mean_ranks(np.full((1, 3), np.nan), right) == 4
        and mean_ranks(np.array([[2, np.nan, 1]]), right) == 2
    )


def test_intervals_draw_videos_both_ways(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    known = make_passages(
        ("only", "chop the carrot", living[:1]), ("only", "boil the egg", living[2:3])
    )
    table = retrieval_table(StandIn(processor).model, known, training)
    for way in (table.text_to_clip, table.clip_to_text):  # one video alone says nothing of others
        assert way["bm25"].recall[1] == Accuracy(1, 0, 1)


@pytest.mark.parametrize("right", [1, 2, 3])
def test_ties_and_chance_are_what_all_orders_give_on_average(right: int) -> None:
    answers = 6
    ranks = np.array([min(order[:right]) + 1 for order in permutations(range(answers))])
    truth = np.arange(answers)[None] < right
    assert mean_ranks(np.zeros((1, answers)), truth)[0] == pytest.approx(ranks.mean())
    row = chance(answers, np.array([right]))
    assert [row.recall[k].value for k in (1, 5, 10)] == pytest.approx(
        [(ranks <= k).mean() for k in (1, 5, 10)]
    )
    assert row.median == np.sort(ranks)[(len(ranks) - 1) // 2]


def test_candidates_come_first_in_their_new_order() -> None:
    first, best = np.array([[4.0, 3, 2, 1]]), np.array([[0, 1]])
    assert (-promoted(first, best, np.array([[-7.0, 5]])))[0].argsort().tolist() == [1, 0, 2, 3]


# The table


def pool(living: list[int]) -> Passages:
    return make_passages(
        ("a", "chop the carrot", living[:2]),
        ("a", "Chop the carrot", living[:1]),
        ("b", "boil the egg", living[2:4]),
        ("b", "", living[2:4]),
        ("c", "fry the onion", living[4:6]),
        ("c", "wash the pan", living[6:]),
    )


def test_equal_sentences_are_right_for_each_other(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    table = retrieval_table(StandIn(processor, odds=meaning(living)).model, pool(living), training)
    assert (table.sentences, table.passages) == (4, 5)
    for way in (table.text_to_clip, table.clip_to_text):
        assert way["alignment"].recall[1].value == way["re_ranked"].recall[1].value == 1
        assert way["alignment"].median == 1
        assert (
            way["chance"].recall[1].value < way["bm25"].recall[1].value < 1
        )  # no profile knows the pan
    assert table.text_to_clip["chance"].recall[1].value == pytest.approx((2 + 1 + 1 + 1) / 4 / 5)
    assert table.clip_to_text["chance"].recall[1].value == pytest.approx(1 / 4)


def test_a_head_that_knows_nothing_or_worse_shows(
    processor: VideoBertProcessor, living: list[int], training: Passages
) -> None:
    right = meaning(living)
    wrong = retrieval_table(
        StandIn(processor, odds=lambda *pair: -right(*pair)).model, pool(living), training
    )
    constant = retrieval_table(StandIn(processor).model, pool(living), training)
    for way in ("text_to_clip", "clip_to_text"):
        assert getattr(wrong, way)["alignment"].recall[1].value == 0
        assert getattr(wrong, way)["alignment"].median > getattr(wrong, way)["chance"].median
        assert getattr(constant, way)["alignment"].recall[1].value == 0
        assert getattr(constant, way)["interpolated"] == getattr(constant, way)["bm25"]


def test_too_many_pairs_are_read_for_candidates_only(
    processor: VideoBertProcessor,
    living: list[int],
    training: Passages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = StandIn(processor, odds=meaning(living)).model
    whole = retrieval_table(model, pool(living), training, candidates=2)
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
    network = StandIn(processor, odds=meaning(living))
    part = retrieval_table(
        network.model,
        pool(living),
        training,
        candidates=2,
        progress=lambda *news: told.append(news),
    )
    assert spelt[:2] == [2, 2] and told == [
        ("text to clip", 2, 4), ("text to clip", 4, 4), ("clip to text", 2, 5), ("clip to text", 4, 5), ("clip to text", 5, 5),
    ]  # fmt: skip
    for way in ("text_to_clip", "clip_to_text"):
        rows = dict(getattr(whole, way))
        del rows["alignment"]
        assert getattr(part, way) == rows
    assert len(network.read) <= 4 * 2 + 5 * 2
    assert [row[1:] for row in part.cells() if row[0].endswith("alignment")] == [
        ["left out"] * 4
    ] * 2


def test_one_sentence_alone_has_nothing_to_be_told_from(
    processor: VideoBertProcessor, training: Passages
) -> None:
    with pytest.raises(InputError, match="different sentences"):
        retrieval_table(
            StandIn(processor).model, make_passages(("a", "egg", [1]), ("a", "EGG", [2])), training
        )
