"""The card says what the model is, what it learnt from and how far it came."""

from __future__ import annotations

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.pretraining.model_card import model_card


def test_a_card_has_shape_options_and_figures() -> None:
    config = VideoBertConfig.of_size("tiny", Vocabulary(text_size=1200, visual_size=64))
    made_with = {"seed": 3, "videos": 12, "examples": {"codebook": "abc"}}
    card = model_card(made_with, config, {"step": 40, "masked_text_loss": 1.23456})
    for part in (
        "2 layers, 128 wide, over 1,200 WordPiece ids",
        "64 visual words",
        "- seed: 3\n- videos: 12\n",
        "## Found at step 40",
        "- masked_text_loss: 1.235\n",
    ):
        assert part in card
    assert "codebook" not in card and card.startswith("---\nlibrary_name: transformers\n")
