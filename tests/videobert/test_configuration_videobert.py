"""Sizes of models."""

from __future__ import annotations

import pytest

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig


@pytest.mark.parametrize(
    ("size", "layers", "width", "deviation"),
    [("tiny", 2, 128, 0.049), ("base", 12, 768, 0.02), ("large", 24, 1024, 0.01732)],
)
def test_a_size_is_layers_heads_of_64_and_first_weights_of_one_gain(
    size: str, layers: int, width: int, deviation: float
) -> None:
    config = VideoBertConfig.of_size(size, Vocabulary(30_522, 20_736), hidden_dropout_prob=0.3)
    assert (config.num_hidden_layers, config.hidden_size) == (layers, width)
    assert config.num_attention_heads == width // 64 and config.intermediate_size == 4 * width
    assert config.initializer_range == pytest.approx(deviation, rel=1e-3)
    assert config.vocab_size == 51_259 and config.vocabulary == Vocabulary(30_522, 20_736)
    assert config.hidden_dropout_prob == 0.3
