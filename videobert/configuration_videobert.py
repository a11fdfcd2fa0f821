"""The shape of a VideoBERT."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, BertConfig

from tokenization.vocabulary import Vocabulary
from videobert.model_sizes import HEAD_WIDTH, SIZES
from videobert.orders import MASKED

BASE_INITIALIZER_RANGE = 0.02
"""Standard deviation of the base size's first weights. Other sizes keep the gain of a layer,
std * sqrt(width). With 0.02 throughout, a narrow model's attention begins so faint that it learns
slowly."""


def initializer_range(width: int) -> float:
    """Return the standard deviation of the first weights of a model of some width."""
    deviation: float = BASE_INITIALIZER_RANGE * (SIZES["base"][1] / width) ** 0.5
    return deviation


class VideoBertConfig(BertConfig):
    """BertConfig with the vocabulary's two parts.

    Attributes:
        text_size: How many WordPiece ids there are; ``[>]`` follows them.
        visual_size: How many visual words there are, which follow ``[>]``.
        vocab_size: text_size + 1 + visual_size.
        objective: how it was trained, one of orders.OBJECTIVES; it is asked alike.
        heads: how many each layer has left; None where all are there.
        shared: whether all layers are one.
        embedding_size: width of its embeddings where they are narrow; see bert_shapes.
        int8: whether its matrices are of whole numbers; see whole_numbers.
    """

    model_type = "videobert"

    text_size: int = 30_522
    visual_size: int = 20_736
    vocab_size: int = 30_522 + 1 + 20_736
    objective: str = MASKED
    heads: list[int] | None = None
    shared: bool = False
    embedding_size: int | None = None
    int8: bool = False

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are visual words."""
        return Vocabulary(self.text_size, self.visual_size)

    @classmethod
    def of_size(cls, size: str, vocabulary: Vocabulary, **changes: Any) -> VideoBertConfig:
        """Make a configuration of one of SIZES.

        Args:
            size: Its name.
            vocabulary: What the model reads.
            **changes: Other fields of BertConfig.
        """
        layers, width = SIZES[size]
        shape = {
            "num_hidden_layers": layers,
            "hidden_size": width,
            "num_attention_heads": width // HEAD_WIDTH,
            "intermediate_size": 4 * width,
            "initializer_range": initializer_range(width),
        }
        return cls(
            text_size=vocabulary.text_size,
            visual_size=vocabulary.visual_size,
            vocab_size=vocabulary.size,
            **{**shape, **changes},
        )


AutoConfig.register(VideoBertConfig.model_type, VideoBertConfig, exist_ok=True)
