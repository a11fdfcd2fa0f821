"""Words for masks: any number of pieces, masks and templates."""

from __future__ import annotations

import pytest
import torch

from tests.toys.model import toy_model
from videobert.answers.options import TEMPLATE
from videobert.answers.zero_shot import (
    label_probabilities,
    predict,
)
from videobert.loading import TrainedModel
from workfolder.errors import InputError

SENTENCES = [
    "now let me show you how to cut the onion",
    "cut the tomato with a knife",
    "stir the onion in a pan",
    "we pour water in the pan",
]


ONE_PIECE = ["cut", "stir", "onion", "pan"]


VIDEO = [1, 4, 4, 0]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model(SENTENCES * 3)


def pieces(model: TrainedModel, word: str) -> list[int]:
    return model.processor.text_ids([word])[0]


def log_probabilities(model: TrainedModel, template: str) -> torch.Tensor:
    """Of every text id at each mask, [masks, ids]: the network asked directly, without padding."""
    inputs = model.processor([template], [VIDEO], 64)
    with torch.inference_mode():
        logits = model.network(**inputs).prediction_logits[
            inputs["input_ids"] == model.processor.tokenizer.mask_token_id
        ]
    return logits[:, : model.processor.vocabulary.text_size].log_softmax(dim=-1)


def test_the_first_guess_is_the_likeliest_word(model: TrainedModel) -> None:
    expected = log_probabilities(model, TEMPLATE)[
        :, [pieces(model, word)[0] for word in ONE_PIECE]
    ].softmax(dim=-1)
    for mask, guesses in enumerate(predict(model, VIDEO, labels=ONE_PIECE, top=99).guesses):
        found = {guess.word: guess.probability for guess in guesses}
        assert found == pytest.approx(
            dict(zip(ONE_PIECE, expected[mask].tolist(), strict=True)), abs=1e-5
        )
        assert [guess.probability for guess in guesses] == sorted(found.values(), reverse=True)


def test_a_word_of_several_pieces_is_scored_by_the_mean_of_its_pieces(model: TrainedModel) -> None:
    label = "cuts"
    assert len(pieces(model, label)) == 2
    single, wide = (
        log_probabilities(model, f"{masks} the onion") for masks in ("[MASK]", "[MASK] [MASK]")
    )
    first, second = pieces(model, label)
    scores = torch.stack(
        [single[0, pieces(model, "cut")[0]], (wide[0, first] + wide[1, second]) / 2]
    )
    (guesses,) = predict(model, VIDEO, ["[MASK] the onion"], ["cut", label]).guesses
    expected = dict(zip(["cut", label], scores.softmax(dim=0).tolist(), strict=True))
    assert {guess.word: guess.probability for guess in guesses} == pytest.approx(expected, abs=1e-5)


def test_only_the_mask_of_a_long_word_is_widened(model: TrainedModel) -> None:
    verb, noun = "cut", "pans"
    verbs, nouns = label_probabilities(
        model, ["[MASK] the [MASK]"], [VIDEO], [[verb, "stir"], [noun, "onion"]]
    )
    alone, _ = label_probabilities(
        model, ["[MASK] the [MASK]"], [VIDEO], [[verb, "stir"], ["pan", "onion"]]
    )
    assert verbs == pytest.approx(
        alone, abs=1e-5
    )  # what is asked of the noun changes nothing for the verb
    wide = log_probabilities(model, "[MASK] the [MASK] [MASK]")
    narrow = log_probabilities(model, "[MASK] the [MASK]")
    mean = torch.stack(
        [wide[place, piece] for place, piece in enumerate(pieces(model, noun), 1)]
    ).mean()
    expected = torch.stack([mean, narrow[1, pieces(model, "onion")[0]]]).softmax(dim=0)
    assert len(pieces(model, noun)) == 2 and nouns[0, 0] == pytest.approx(
        expected.numpy(), abs=1e-5
    )


def test_no_video_short_and_long_ones_are_answered_as_if_alone(model: TrainedModel) -> None:
    visual = [list(range(9)), [], [3], [5] * 6, []]
    labels = [["cut", "cuts", "stir"], ["onion", "pan", "pans"]]
    together = label_probabilities(model, [TEMPLATE], visual, labels)
    for clip, words in enumerate(visual):
        for mask, alone in enumerate(label_probabilities(model, [TEMPLATE], [words], labels)):
            assert together[mask][:, clip] == pytest.approx(alone[:, 0], abs=1e-5)


@pytest.mark.parametrize("masks", [1, 2, 3, 5])
def test_any_number_of_masks(model: TrainedModel, masks: int) -> None:
    guesses = predict(model, VIDEO, [" and ".join(["[MASK]"] * masks)], top=4).guesses
    assert [len(found) for found in guesses] == [4] * masks
    assert all(guess.word.isalpha() for found in guesses for guess in found)


def test_all_words_of_the_vocabulary_share_all_probability(model: TrainedModel) -> None:
    for found in predict(model, [], top=10_000).guesses:
        assert sum(guess.probability for guess in found) == pytest.approx(1, abs=1e-4)
        assert {guess.word for guess in found} >= set(ONE_PIECE)


def test_templates_are_averaged_and_say_how_far_apart_they_are(model: TrainedModel) -> None:
    templates = [
        "[MASK] the [MASK]",
        "now let me show you how to [MASK] the [MASK]",
        "we [MASK] water in the [MASK]",
    ]
    each = [predict(model, VIDEO, [template], ONE_PIECE).guesses for template in templates]
    answer = predict(model, VIDEO, templates, ONE_PIECE)
    for mask, (guesses, moved) in enumerate(zip(answer.guesses, answer.sensitivity, strict=True)):
        single = [
            {guess.word: guess.probability for guess in guess_list[mask]} for guess_list in each
        ]
        mean = {guess.word: guess.probability for guess in guesses}
        assert mean == pytest.approx(
            {word: sum(one[word] for one in single) / 3 for word in ONE_PIECE}, abs=1e-5
        )
        assert moved.agreement == pytest.approx(
            sum(max(one, key=one.get) == guesses[0].word for one in single) / 3
        )
        distances = [sum(abs(one[word] - mean[word]) for word in ONE_PIECE) / 2 for one in single]
        assert moved.distance == pytest.approx(sum(distances) / 3, abs=1e-5) and moved.distance > 0


def test_a_label_that_is_too_long_is_named_and_not_the_masks_that_it_takes(
    model: TrainedModel,
) -> None:
    with pytest.raises(InputError, match=r"the label 'pan pan [pan ]{52}' is too long") as error:
        predict(model, VIDEO, labels=["cut", "pan " * 600])
    assert str(error.value).count("[MASK]") == 2


def test_templates_that_cannot_be_asked(model: TrainedModel) -> None:
    for templates, said in [
        (["cut the onion"], "no .MASK."),
        (["[MASK] the [SEP] [MASK]"], r"has \[SEP\], a sign"),
        (["[MASK] it", "[MASK] [>] it"], r"'\[MASK\] \[>\] it' has \[>\], a sign"),
        (["[MASK] the [MASK]", "[MASK] it"], "has not 2"),
        (["[MASK] " + "the pan " * 400 + "[MASK]"], "too long"),
    ]:
        with pytest.raises(InputError, match=said):
            predict(model, VIDEO, templates, ONE_PIECE)
    with pytest.raises(InputError, match="write 2"):
        label_probabilities(model, ["[MASK] it"], [VIDEO], [["cut"], ["pan"]])
