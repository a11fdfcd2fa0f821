from __future__ import annotations

import numpy as np
import pytest

from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_passages
from videobert.answers.localisation import iou, locate, windows_of
from videobert.data.passages import Track
from videobert.evaluation.localisation_table import IOUS, localisation_table
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

SECONDS = 1.5


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def track(words: list[int]) -> Track:
    start = SECONDS * np.arange(len(words))
    return Track(start, start + SECONDS, np.array(words))


def counting(word: int):
    """Log odds that like a word and dislike all others."""
    return lambda text, words: float(sum(1 if seen == word else -1 for seen in words))


def test_iou_by_hand() -> None:
    spans = np.array([[0.0, 4], [2, 6], [3, 5], [4, 9], [2, 4]])
    assert iou(spans, np.array([2.0, 6])).tolist() == pytest.approx([2 / 6, 1, 2 / 4, 2 / 7, 2 / 4])


def test_windows_slide_clip_by_clip_and_a_short_video_is_one() -> None:
    assert windows_of(track([0] * 4), [2, 3]).tolist() == [[0, 2], [1, 3], [2, 4], [0, 3], [1, 4]]
    assert windows_of(track([0]), [2, 4, 8]).tolist() == [[0, 1]]
    for words, lengths in (([], [2]), ([1], [0])):
        with pytest.raises(InputError, match="no clip"):
            windows_of(track(words), lengths)


def test_the_best_window_and_those_that_are_not_the_same_answer(
    processor: VideoBertProcessor,
) -> None:
    egg, other, *_ = living_words(processor)
    video = track([other] * 3 + [egg] * 4 + [other] * 5 + [egg] * 2 + [other] * 6)
    found = locate(StandIn(processor, odds=counting(egg)).model, "boil the egg", video, top=2)
    assert [(place.start, place.end) for place in found] == [(4.5, 10.5), (18.0, 21.0)]
    assert [place.score for place in found] == [4, 2]
    everything = locate(StandIn(processor, odds=counting(egg)).model, "boil the egg", video, top=99)
    spans = np.array([[place.start, place.end] for place in everything])
    assert all(iou(spans[:number], span).max(initial=0) < 0.5 for number, span in enumerate(spans))


def test_locating_says_how_far_it_is(processor: VideoBertProcessor) -> None:
    told: list[tuple[int, int]] = []
    locate(
        StandIn(processor).model,
        "egg",
        track([1] * 3),
        [2],
        progress=lambda stage, done, total, _="": told.append((done, total)),
    )
    assert told == [(2, 2)]


def test_the_table_counts_any_time_that_a_sentence_is_said(processor: VideoBertProcessor) -> None:
    egg, other, *_ = living_words(processor)
    video = track([other] * 4 + [egg] * 4 + [other] * 8)
    passages = make_passages(
        ("a", "boil the egg", [egg]), ("a", "Boil the egg", [egg]), ("a", "", [other]), seconds=6.0
    )
    table = localisation_table(StandIn(processor, odds=counting(egg)).model, passages, {"a": video})
    assert (table.sentences, table.videos) == (1, 1)
    assert table.rows["alignment"].iou.value == 1 and table.rows["alignment"].recall[0.7].value == 1
    # Chance: all 13 windows of four clips, by hand. The sentence is said from 0 to 12 s in two halves of 6.
    firsts = SECONDS * np.arange(13)
    shared = [
        max(max(0, 6 - abs(first - said)) / (6 + min(6, abs(first - said))) for said in (0, 6))
        for first in firsts
    ]
    assert table.rows["chance"].iou.value == pytest.approx(np.mean(shared))
    for least in IOUS:
        assert table.rows["chance"].recall[least].value == pytest.approx(
            np.mean(np.array(shared) >= least)
        )


def test_of_many_sentences_some_are_drawn_and_all_their_times_count(
    processor: VideoBertProcessor,
) -> None:
    egg, other, *_ = living_words(processor)
    videos = {name: track([other] * 4 + [egg] * 4) for name in "abc"}
    rows = [(video, text, [egg]) for video in videos for text in ("boil the egg", "Boil the egg")]
    for seed in range(3):
        table = localisation_table(
            StandIn(processor, odds=counting(egg)).model,
            make_passages(*rows),
            videos,
            most=2,
            seed=seed,
        )
        assert (table.sentences, table.videos) == (2, 2) and table.rows["alignment"].iou.value == 1


def test_a_head_that_points_elsewhere_finds_nothing(processor: VideoBertProcessor) -> None:
    egg, other, *_ = living_words(processor)
    video = track([egg] * 4 + [other] * 8)
    passages = make_passages(("a", "boil the egg", [egg]))
    table = localisation_table(
        StandIn(processor, odds=counting(other)).model, passages, {"a": video}
    )
    assert table.rows["alignment"].iou.value == 0 < table.rows["chance"].iou.value
    assert len(table.cells()) == 2


def test_what_cannot_be_located_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor).model
    with pytest.raises(InputError, match="empty"):
        locate(model, " ", track([1, 2]))
    for token in ("[SEP]", "[MASK]", "[>]", "[MASK] [unk] [PAD]"):
        with pytest.raises(InputError, match="cannot be spelt"):
            locate(model, token, track([1, 2]))
    with pytest.raises(InputError, match="no clip"):
        locate(model, "egg", track([]))
    with pytest.raises(InputError, match="no sentence"):
        localisation_table(model, make_passages(("a", "", [1])), {"a": track([1])})
    with pytest.raises(InputError, match="b has"):
        localisation_table(model, make_passages(("b", "egg", [1])), {"a": track([1])})
