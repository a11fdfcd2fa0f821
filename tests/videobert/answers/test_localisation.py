"""Windows of a video, and the one that fits a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from videobert.answers.localisation import iou, locate, windows_of
from videobert.data.clips import Clips
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
    found = locate(StandIn(processor, says=counting(egg)).model, "boil the egg", video, top=2)
    assert [(place.start, place.end) for place in found] == [(4.5, 10.5), (18.0, 21.0)]
    assert found[0].score > found[1].score
    everything = locate(StandIn(processor, says=counting(egg)).model, "boil the egg", video, top=99)
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
    assert told[-1] == (2, 2)


def test_what_cannot_be_located_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor).model
    with pytest.raises(InputError, match="empty"):
        locate(model, " ", track([1, 2]))
    for token in ("[SEP]", "[MASK]", "[>]", "[MASK] [unk] [PAD]"):
        with pytest.raises(InputError, match="cannot be spelt"):
            locate(model, token, track([1, 2]))
    with pytest.raises(InputError, match="no clip"):
        locate(model, "egg", track([]))
