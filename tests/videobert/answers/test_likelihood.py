"""How likely sentences are beside clips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.toys.model import SENTENCES, make_processor, toy_model, with_bank
from tests.toys.network import StandIn
from videobert.answers.likelihood import action_of, fair_likelihoods, likelihoods
from videobert.loading import TrainedModel
from videobert.orders import CAUSAL
from workfolder.errors import InputError

CLIP, OTHER = [1, 2], [3, 3]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model([*SENTENCES, "just stir the onion and chop it now"] * 2)


def by_hand(model: TrainedModel, text: str, words: list[int]) -> float:
    """Hide pieces 0, 3, ..., then 1, 4, ..., then 2, 5, ... of a text, and add up what is asked."""
    (ids,) = model.processor.text_ids([text])
    total = 0.0
    for first in range(min(3, len(ids))):
        hidden = list(ids)
        hidden[first::3] = [model.processor.tokenizer.mask_token_id] * len(ids[first::3])
        inputs = model.processor.inputs([hidden], [words], 64)
        at = inputs["input_ids"] == model.processor.tokenizer.mask_token_id
        with torch.no_grad():
            logits = model.network(**inputs, predict_at=at).prediction_logits
        known = logits[:, : model.processor.vocabulary.text_size].log_softmax(dim=-1)
        total += float(known[range(len(known)), ids[first::3]].sum())
    return total


def test_every_third_piece_is_hidden_together(model: TrainedModel) -> None:
    texts = ["now chop the onion and stir it", "stir"]
    found = likelihoods(model, texts, [CLIP, OTHER])
    wanted = [[by_hand(model, text, words) for words in (CLIP, OTHER)] for text in texts]
    assert found == pytest.approx(np.array(wanted), abs=1e-3)


def test_two_words_are_asked_for_in_the_frames_of_training(model: TrainedModel) -> None:
    asked = with_bank(model)
    frames = ("now [MASK] the [MASK]", "just [MASK] the [MASK]")
    asked = replace(asked, bank=replace(asked.bank, frames=frames))
    found = likelihoods(asked, ["Stir the onion", "chop onion"], [CLIP, OTHER])
    assert found.shape == (2, 2)
    for row, verb in enumerate(("stir", "chop")):
        each = [
            _pair(model, frame, verb, "onion", words) for words in (CLIP, OTHER) for frame in frames
        ]
        assert found[row] == pytest.approx(np.reshape(each, (2, 2)).mean(axis=1), abs=1e-3)


def _pair(model: TrainedModel, frame: str, verb: str, noun: str, words: list[int]) -> float:
    (ids,) = model.processor.text_ids([frame])
    inputs = model.processor.inputs([ids], [words], 64)
    at = inputs["input_ids"] == model.processor.tokenizer.mask_token_id
    with torch.no_grad():
        logits = model.network(**inputs, predict_at=at).prediction_logits
    known = logits[:, : model.processor.vocabulary.text_size].log_softmax(dim=-1)
    numbers = [model.processor.text_ids([word])[0][0] for word in (verb, noun)]
    return float(known[0, numbers[0]] + known[1, numbers[1]])


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("stir the tomato", ("stir", "tomato")),
        ("Chop an Onion!", ("chop", "onion")),
        ("now stir the tomato", None),
        ("stir", None),
    ],
)
def test_an_action_is_two_words_and_articles(text: str, action: tuple[str, str] | None) -> None:
    assert action_of(text) == action


def test_what_any_clip_makes_of_a_text_is_taken_off(model: TrainedModel) -> None:
    asked = with_bank(model)
    texts, bank = ["now chop the onion", "stir it now"], asked.bank
    own, anyhow = (likelihoods(asked, texts, visual) for visual in ([CLIP, OTHER], bank.visual))
    found = fair_likelihoods(asked, texts, [CLIP, OTHER])
    assert found == pytest.approx(own - anyhow.mean(axis=1, keepdims=True), abs=1e-3)
    assert fair_likelihoods(model, texts, [CLIP]) == pytest.approx(own[:, :1], abs=1e-3)


def test_a_long_text_is_read_as_far_as_it_is_never_cut_for_the_clip() -> None:
    network = StandIn(make_processor(), max_length=16)
    likelihoods(network.model, ["chop " * 40], [[1] * 30])
    assert all(text.count("chop") + text.count("[MASK]") == 7 for text, _ in network.read)


def test_a_model_that_reads_from_left_to_right_is_refused() -> None:
    network = StandIn(make_processor())
    network.config.objective = CAUSAL
    with pytest.raises(InputError, match="left to right"):
        likelihoods(network.model, ["stir"], [[1]])
