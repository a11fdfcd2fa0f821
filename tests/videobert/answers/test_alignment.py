"""The alignment head, asked about many pairs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.model import living_words, make_processor
from tests.toys.network import StandIn
from videobert.answers.alignment import alignment_scores
from videobert.processing_videobert import VideoBertProcessor


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


@pytest.fixture(scope="module")
def living(processor: VideoBertProcessor) -> list[int]:
    return living_words(processor)


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
