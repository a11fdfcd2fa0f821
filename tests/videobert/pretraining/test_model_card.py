"""The card says what the model is, what it learnt from and how far it came."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import ModelCard

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.pretraining.model_card import model_card


def test_a_card_has_shape_options_and_figures() -> None:
    config = VideoBertConfig.of_size("tiny", Vocabulary(text_size=1200, visual_size=64))
    made_with = {"seed": 3, "videos": 12, "examples": {"codebook": "abc"}}
    card = model_card(made_with, config, {"step": 40, "masked_text_loss": 1.23456})
    for part in (
        "2 layers, 128 wide, over 1,200 text ids",
        "64 visual words",
        "- seed: 3\n- videos: 12\n",
        "## Found at step 40",
        "- masked_text_loss: 1.235\n",
    ):
        assert part in card
    assert "codebook" not in card
    read = ModelCard(card).data
    assert read.library_name == "transformers" and read.base_model is None and not read.eval_results


def test_the_hub_reads_the_base_model_and_the_scores_of_a_card(tmp_path: Path) -> None:
    config = VideoBertConfig.of_size("tiny", Vocabulary(text_size=1200, visual_size=64))
    found = {
        "step": 40,
        "text_loss": 1.0,
        "validation_text_loss": 2.5,
        "validation_text_accuracy": 0.25,
    }
    card = model_card({"init": "bert-base-uncased", "replay": tmp_path / "earlier"}, config, found)
    read = ModelCard(card).data
    assert read.base_model == "bert-base-uncased" and len(read.eval_results) == 2
    assert {result.metric_value for result in read.eval_results} == {2.5, 0.25}
    assert "- replay: earlier\n" in card and str(tmp_path) not in card
    card = model_card({"init": str(tmp_path)}, config, found)
    assert ModelCard(card).data.base_model is None and str(tmp_path) not in card
