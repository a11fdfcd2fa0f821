"""What is read for a sentence, and what cannot be imagined."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toys.codebook import WORDS
from tests.toys.model import living_words, make_processor
from tests.toys.network import MASKED, StandIn
from videobert.answers.imagining import imagine
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def test_masks_follow_the_sentence_and_the_whole_is_their_mean(
    processor: VideoBertProcessor,
) -> None:
    living = living_words(processor)
    shares = {0: {living[0]: 0.7, living[1]: 0.3}, 1: {living[1]: 0.6, living[2]: 0.4}}

    def logits(text: str, words: list[int | None], place: int) -> list[float]:
        return [float(np.log(shares[place].get(word, 1e-9))) for word in range(WORDS)]

    network = StandIn(processor, logits=logits)
    found = imagine(network.model, "Chop the carrot", masks=2, top=2)
    assert network.read == [("chop the carrot", [MASKED, MASKED])]
    assert [[guess.word for guess in clip] for clip in found.clips] == [living[:2], living[1:3]]
    assert [guess.word for guess in found.overall] == [living[1], living[0]]
    assert [guess.probability for guess in found.overall] == pytest.approx([0.45, 0.35])


def test_what_cannot_be_imagined_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor, max_length=12).model
    for sentence, reason in {"": "empty", " \n": "empty", "烧": "cannot be spelt"}.items():
        with pytest.raises(InputError, match=reason):
            imagine(model, sentence)
    with pytest.raises(InputError, match="0 masks"):
        imagine(model, "boil the egg", masks=0)
    with pytest.raises(InputError, match="5 masks are too many"):
        imagine(model, "boil the egg", masks=5)
    assert len(imagine(model, "boil the egg " * 20, masks=4).clips) == 4
