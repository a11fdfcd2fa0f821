"""What is taken off: the mean over the bank's clips and sentences, worked out in numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.toys.model import toy_model, with_bank
from videobert.answers.calibration import leanings
from videobert.answers.label_scores import label_scores
from videobert.answers.likelihood import fair_likelihoods, likelihoods
from videobert.answers.options import AS_THE_PAPER, Asking
from videobert.answers.spelling import label_pieces
from videobert.answers.zero_shot import label_probabilities, predict, question
from videobert.loading import TrainedModel
from workfolder.errors import InputError

SENTENCES = ["cut the onion in the pan", "stir the rice", "cut the rice", "stir the onion"]
TEMPLATE = "[MASK] the [MASK]"
LABELS = ["cut", "stir"], ["onion", "rice", "pan"]
CLIP = [1, 4, 4, 0]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return with_bank(toy_model(SENTENCES * 3))


@pytest.fixture(scope="module")
def pieces(model: TrainedModel) -> list[list[list[int]]]:
    return [label_pieces(model.processor, words) for words in LABELS]


def test_the_mean_score_of_each_label_over_the_banks_clips_is_taken_off(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    assert model.bank
    alone = [label_scores(model, TEMPLATE, [clip], pieces) for clip in model.bank.visual]
    own = label_scores(model, TEMPLATE, [CLIP], pieces)
    found = label_probabilities(model, [TEMPLATE], [CLIP], LABELS)
    for mask, probabilities in enumerate(found):
        lean = np.stack([scores[mask][0] for scores in alone]).mean(axis=0)
        odds = np.exp(own[mask][0] - lean)
        assert probabilities[0, 0] == pytest.approx(odds / odds.sum(), abs=1e-5)


def test_as_the_paper_asks_nothing_is_taken_off(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    without = replace(model, bank=None)
    for asked, asking in ((model, AS_THE_PAPER), (without, Asking())):
        assert [lean.tolist() for lean in leanings(asked, TEMPLATE, pieces, asking)] == [
            [0, 0],
            [0, 0, 0],
        ]
    paper = label_probabilities(model, [TEMPLATE], [CLIP], LABELS, AS_THE_PAPER)
    fair = label_probabilities(model, [TEMPLATE], [CLIP], LABELS)
    assert not np.allclose(paper[0], fair[0], atol=1e-4)


def test_how_often_training_said_a_label_is_added_where_it_is_wanted(model: TrainedModel) -> None:
    (ids,) = model.processor.text_ids(["cut stir"])
    counts = np.zeros(model.processor.vocabulary.text_size, dtype=int)
    counts[ids] = 8, 1
    assert model.bank
    counted = replace(model, bank=replace(model.bank, pieces=counts, kept={}))
    pieces = [[[ids[0]], [ids[1]], ids]]
    plain, added = (
        leanings(counted, "[MASK] it", pieces, asking)[0]
        for asking in (Asking(), Asking(prior="training"))
    )
    shares = np.log(np.array([9, 2]) / (9 + len(counts)))
    expected = [shares[0], shares[1], shares.mean()]
    assert plain - added == pytest.approx(np.array(expected), abs=1e-4)


def test_a_prior_that_would_say_nothing_is_refused(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    with pytest.raises(InputError, match="has no bank"):
        leanings(replace(model, bank=None), TEMPLATE, pieces, Asking(prior="training"))
    with pytest.raises(InputError, match="--as-the-paper adds no --prior"):
        Asking(as_the_paper=True, prior="training")


def test_the_bank_is_asked_once_for_a_template_and_its_labels(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    bank = replace(model.bank, kept={})  # type: ignore[type-var]
    asked = replace(model, bank=bank)
    leanings(asked, TEMPLATE, pieces, Asking())
    kept = dict(bank.kept)
    assert len(kept) == 1
    leanings(asked, TEMPLATE, pieces, Asking(prior="training"))
    assert bank.kept == kept
    leanings(asked, "we [MASK] the [MASK]", pieces, Asking())
    assert len(bank.kept) == 2


def test_what_training_kept_of_a_frame_is_read_and_not_asked_for_again(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    assert model.bank
    every = [[number] for number in range(model.processor.vocabulary.text_size)]
    kept = leanings(model, TEMPLATE, [every, every], Asking())
    bank = replace(model.bank, leanings={TEMPLATE: np.stack(kept)}, kept={})
    found = leanings(replace(model, bank=bank), TEMPLATE, pieces, Asking())
    assert not bank.kept
    for mine, asked in zip(found, leanings(model, TEMPLATE, pieces, Asking()), strict=True):
        assert mine == pytest.approx(asked, abs=1e-4)


def test_the_question_is_trainings_own_frames(model: TrainedModel) -> None:
    assert question(model) == ["we need to [MASK] the [MASK]", "just [MASK] the [MASK]"]
    paper = ["now let me show you how to [MASK] the [MASK]"]
    assert question(model, AS_THE_PAPER) == question(replace(model, bank=None)) == paper


def test_an_implausible_word_is_no_answer_however_much_the_clip_adds(model: TrainedModel) -> None:
    (everything,) = predict(model, CLIP, ["[MASK] it"], top=999).guesses
    (paper,) = predict(model, CLIP, ["[MASK] it"], top=999, asking=AS_THE_PAPER).guesses
    best = paper[0].probability
    plausible = {guess.word for guess in paper if guess.probability >= 0.01 * best}
    assert {guess.word for guess in everything} == plausible


def test_without_a_clip_language_answers_as_the_paper_asks(model: TrainedModel) -> None:
    alone = predict(model, [], [TEMPLATE], ["cut", "stir"])
    assert alone == predict(model, [], [TEMPLATE], ["cut", "stir"], asking=AS_THE_PAPER)


def test_a_model_that_saw_no_clip_leans_to_nothing(
    model: TrainedModel, pieces: list[list[list[int]]]
) -> None:
    assert model.bank
    blind = replace(model, bank=replace(model.bank, texts=[], visual=[], leanings={}))
    for lean in leanings(blind, TEMPLATE, pieces, Asking()):
        assert not lean.any()
    prior = leanings(blind, TEMPLATE, pieces, Asking(prior="training"))
    assert all(np.isfinite(lean).all() and lean.any() for lean in prior)
    asked = blind, ["stir the rice"], [CLIP]
    np.testing.assert_array_equal(fair_likelihoods(*asked), likelihoods(*asked))
