"""How well sentences are found, beside chance."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_stretches
from videobert.data.clips import Clips
from videobert.evaluation.localisation import IOUS, evaluate_localisation
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

SECONDS = 1.5


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def track(words: list[int]) -> Clips:
    start = SECONDS * np.arange(len(words))
    return Clips(start, start + SECONDS, np.array(words))


def counting(word: int):
    """Logits that make eggs likelier beside a visual word and less likely beside all others."""
    return lambda words: {"egg": float(sum(1 if seen == word else -1 for seen in words))}


def test_the_table_counts_any_time_that_a_sentence_is_said(processor: VideoBertProcessor) -> None:
    egg, other, *_ = living_words(processor)
    video = track([other] * 4 + [egg] * 4 + [other] * 8)
    passages = make_stretches(
        ("a", "boil the egg", [egg]), ("a", "Boil the egg", [egg]), ("a", "", [other]), seconds=6.0
    )
    table = evaluate_localisation(
        StandIn(processor, says=counting(egg)).model, passages, {"a": video}
    )
    assert (table.sentences, table.videos) == (1, 1)
    assert (
        table.rows["likelihood"]["iou"].value == 1
        and table.rows["likelihood"]["recall"][0.7].value == 1
    )
    # Chance: all 13 windows of four clips, by hand. The sentence is said from 0 to 12 s in two halves of 6.
    firsts = SECONDS * np.arange(13)
    shared = [
        max(max(0, 6 - abs(first - said)) / (6 + min(6, abs(first - said))) for said in (0, 6))
        for first in firsts
    ]
    assert table.rows["chance"]["iou"].value == pytest.approx(np.mean(shared))
    for least in IOUS:
        assert table.rows["chance"]["recall"][least].value == pytest.approx(
            np.mean(np.array(shared) >= least)
        )


def test_of_many_sentences_some_are_drawn_and_all_their_times_count(
    processor: VideoBertProcessor,
) -> None:
    egg, other, *_ = living_words(processor)
    videos = {name: track([other] * 4 + [egg] * 4) for name in "abc"}
    rows = [(video, text, [egg]) for video in videos for text in ("boil the egg", "Boil the egg")]
    for seed in range(3):
        table = evaluate_localisation(
            StandIn(processor, says=counting(egg)).model,
            make_stretches(*rows),
            videos,
            most=2,
            seed=seed,
        )
        assert (table.sentences, table.videos) == (2, 2) and table.rows["likelihood"][
            "iou"
        ].value == 1


def test_a_model_that_points_elsewhere_finds_nothing(processor: VideoBertProcessor) -> None:
    egg, other, *_ = living_words(processor)
    video = track([egg] * 4 + [other] * 8)
    passages = make_stretches(("a", "boil the egg", [egg]))
    table = evaluate_localisation(
        StandIn(processor, says=counting(other)).model, passages, {"a": video}
    )
    assert table.rows["likelihood"]["iou"].value == 0 < table.rows["chance"]["iou"].value
    assert len(table.rows.cells()) == 4


def test_what_cannot_be_looked_for_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor).model
    with pytest.raises(InputError, match="no sentence"):
        evaluate_localisation(model, make_stretches(("a", "", [1])), {"a": track([1])})
    with pytest.raises(InputError, match="b has"):
        evaluate_localisation(model, make_stretches(("b", "egg", [1])), {"a": track([1])})
