"""What is drawn into a bank: only what training learnt from, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.toys.model import toy_model
from videobert.answers.calibration import leanings
from videobert.answers.options import Asking
from videobert.answers.zero_shot import predict, question
from videobert.bank import Bank, SearchMix
from videobert.data.corpus import Corpus
from videobert.loading import TrainedModel
from videobert.pretraining import bank_drawing
from videobert.pretraining.bank_drawing import draw_bank

VERBS, NOUNS = ("cut", "stir", "fry", "boil"), ("onion", "rice", "egg", "pan")
SENTENCES = [f"we need to {verb} the {noun}" for verb in VERBS for noun in NOUNS]
APART = 12
"""Examples of videos kept apart; they come last and show visual word 8 alone."""


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model(SENTENCES)


@pytest.fixture(scope="module")
def corpus(model: TrainedModel) -> Corpus:
    """The sentences, silence, a sentence without pictures; then what is kept apart."""
    texts = [*SENTENCES, "", "hello", *SENTENCES[:APART]]
    count, learnt = len(texts), len(texts) - APART
    visual = [np.array([row % 8, 1], np.int32) for row in range(learnt)]
    visual[learnt - 1] = np.empty(0, np.int32)
    visual += [np.array([8], np.int32)] * APART
    ids = [np.array(found, np.int64) for found in model.processor.text_ids(texts)]
    numbers, times = np.arange(count, dtype=np.int32), np.arange(count) * 10.0
    return Corpus(ids, visual, numbers, times, times + 6, numbers, np.full(count, -1, np.int32))


@pytest.fixture(scope="module")
def apart(corpus: Corpus) -> np.ndarray:
    return np.arange(len(corpus)) >= len(corpus) - APART


@pytest.fixture(scope="module")
def bank(model: TrainedModel, corpus: Corpus, apart: np.ndarray) -> Bank:
    return draw_bank(model, corpus, apart, seed=3)


def test_only_what_was_learnt_and_seen_is_in_it(bank: Bank, corpus: Corpus) -> None:
    assert len(bank.visual) == len(SENTENCES) + 1  # the silent one too
    assert all(len(words) and 8 not in words for words in bank.visual)
    assert len(bank.sentences) == len(SENTENCES)


def test_the_pieces_of_all_learnt_sentences_are_counted(
    model: TrainedModel, bank: Bank, corpus: Corpus, apart: np.ndarray
) -> None:
    said = np.concatenate([ids for ids, kept in zip(corpus.texts, apart, strict=True) if not kept])
    assert bank.pieces.sum() == len(said)
    (onion,) = model.processor.text_ids(["onion"])[0]
    assert bank.pieces[onion] == len(VERBS)


def test_the_frames_are_those_of_the_narration_and_how_the_model_leans_is_kept(
    model: TrainedModel, bank: Bank
) -> None:
    assert bank.frames == ("we need to [MASK] the [MASK]",) == tuple(bank.leanings)
    asked = replace(model, bank=bank)
    assert question(asked) == list(bank.frames)
    every = [[number] for number in range(model.processor.vocabulary.text_size)]
    afresh = replace(model, bank=replace(bank, leanings={}, kept={}))
    found = leanings(afresh, bank.frames[0], [every, every], Asking())
    for mask, scores in zip(found, bank.leanings[bank.frames[0]], strict=True):
        assert mask == pytest.approx(scores, abs=1e-4)
    assert len(predict(asked, [1, 2]).guesses) == 2


def test_search_is_chosen_on_the_videos_kept_apart_if_they_say_enough(
    model: TrainedModel, bank: Bank, corpus: Corpus
) -> None:
    assert bank.search.asked == 2 * APART  # as sentences, and as verb and noun
    nothing = np.zeros(len(corpus), dtype=bool)
    assert draw_bank(model, corpus, nothing, seed=3).search == SearchMix()


def test_the_draw_follows_from_the_seed(
    model: TrainedModel, corpus: Corpus, apart: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_drawing, "EXAMPLES", 5)
    first, again, other = (draw_bank(model, corpus, apart, seed).visual for seed in (1, 1, 2))
    assert [list(words) for words in first] == [list(words) for words in again]
    assert [list(words) for words in first] != [list(words) for words in other]
