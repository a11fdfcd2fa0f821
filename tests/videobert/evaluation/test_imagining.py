"""Recall of the visual words of sentences."""

from __future__ import annotations

import pytest

from tests.toys.codebook import LIVING, WORDS
from tests.toys.model import SENTENCES, living_words, make_processor
from tests.toys.network import StandIn
from tests.toys.work_folder import make_stretches
from videobert.evaluation.imagining import KS, evaluate_imagining
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return make_processor()


def test_recall_counts_the_different_words_of_each_sentence(processor: VideoBertProcessor) -> None:
    living = living_words(processor)
    meant = {"chop the carrot": living[:3], "boil the egg": living[3:6]}

    def logits(text: str, words: list[int | None], place: int) -> list[float]:
        return [9.0 * (word in meant[text]) for word in range(WORDS)]

    rows = [
        (
            "a",
            "chop the carrot",
            [living[0], living[0], living[1], living[1]],
        ),  # all among the three
        ("a", "", [living[5]]),  # nobody speaks: not asked
        ("b", "Chop the carrot", [living[2], living[6]]),  # one of two
        ("b", "boil the egg", [living[0]]),  # none
    ]
    training = make_stretches(
        ("t", SENTENCES[0], [living[6]] * 3 + [living[2]] * 2 + [living[1]]),
        ("t", "", [living[0]] * 9),
    )
    network = StandIn(processor, logits=logits)
    table = evaluate_imagining(network.model, make_stretches(*rows), training)
    assert table.examples == 3 and len(network.read) == 2
    assert table.rows["imagined"][3].value == pytest.approx((1 + 0.5 + 0) / 3)
    assert table.rows["frequency_prior"][3].value == pytest.approx((0.5 + 1 + 0) / 3)
    assert table.rows["chance"][3].value == pytest.approx(3 / LIVING)
    assert all(row[max(KS)].value == 1 for row in table.rows.values())  # ten guesses of seven words


def test_a_folder_in_which_nobody_speaks_is_refused(processor: VideoBertProcessor) -> None:
    model = StandIn(processor).model
    with pytest.raises(InputError, match="somebody speaks"):
        evaluate_imagining(model, make_stretches(("a", "", [1])), make_stretches(("a", "x", [1])))
