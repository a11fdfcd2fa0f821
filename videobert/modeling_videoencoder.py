"""Any encoder of transformers whose vocabulary ends in visual words.

A BERT has its own class, VideoBertForPreTraining. All other families have this one: the family's
masked language model as transformers has it, and an alignment head like BERT's.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.configuration_utils import SubConfigSpec

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import initializer_range
from videobert.encoders import (
    Family,
    dropout_fields,
    family_of,
    first_position,
    inputs_of,
    new_encoder_config,
    read_encoder,
)
from videobert.joint_network import JointNetwork
from videobert.model_sizes import HEAD_WIDTH, SIZES
from videobert.orders import MASKED
from videobert.whole_numbers import to_int8
from workfolder.errors import InputError

logger = logging.getLogger(__name__)


class VideoEncoderConfig(PreTrainedConfig):
    """The configuration of an encoder, and the vocabulary's two parts.

    Attributes:
        encoder: that of the family, over the joint vocabulary.
        text_size: how many ids of text there are; ``[>]`` follows them.
        visual_size: how many visual words there are, which follow ``[>]``.
        objective: how it was trained, one of orders.OBJECTIVES; it is asked alike.
        int8: whether its matrices are of whole numbers; see whole_numbers.
    """

    model_type = "videobert-encoder"
    sub_configs_defaults: ClassVar[dict[str, Any]] = {
        "encoder": SubConfigSpec(config_class=AutoConfig, model_type="roberta")
    }

    encoder: dict[str, Any] | PreTrainedConfig | None = None
    text_size: int = 0
    visual_size: int = 0
    objective: str = MASKED
    int8: bool = False
    tie_word_embeddings: bool = True

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are visual words."""
        return Vocabulary(self.text_size, self.visual_size)

    @property
    def max_position_embeddings(self) -> int:
        """Ids that it reads at most."""
        return int(self.its("max_position_embeddings")) - first_position(self._encoder)

    @property
    def hidden_size(self) -> int:
        """Width of a hidden state."""
        return int(self.its("hidden_size"))

    @property
    def vocab_size(self) -> int:
        """All ids."""
        return int(self.its("vocab_size"))

    @property
    def initializer_range(self) -> float:
        """Standard deviation of first weights."""
        return float(self.its("initializer_range"))

    @property
    def num_hidden_layers(self) -> int:
        """How many layers it has."""
        return int(self.its("num_hidden_layers"))

    @num_hidden_layers.setter
    def num_hidden_layers(self, layers: int) -> None:
        self._encoder.num_hidden_layers = layers

    @property
    def layer_norm_eps(self) -> float:
        """What LayerNorms add to a variance; 1e-12 where the family has it as a constant."""
        names = ("layer_norm_eps", "norm_eps")
        return float(next((self.its(name) for name in names if hasattr(self.encoder, name)), 1e-12))

    def its(self, field: str) -> Any:
        """Return a field of the encoder's configuration."""
        return getattr(self.encoder, field)

    @property
    def _encoder(self) -> PreTrainedConfig:
        assert isinstance(self.encoder, PreTrainedConfig)
        return self.encoder

    @classmethod
    def over(cls, encoder: PreTrainedConfig, vocabulary: Vocabulary) -> VideoEncoderConfig:
        """Make the configuration of a model around an encoder over the joint vocabulary."""
        return cls(
            encoder=encoder.to_dict(),
            text_size=vocabulary.text_size,
            visual_size=vocabulary.visual_size,
        )

    @classmethod
    def of_size(
        cls,
        size: str,
        family: str,
        vocabulary: Vocabulary,
        padding: int,
        positions: int,
        dropout: float,
        layers: int = 0,
    ) -> VideoEncoderConfig:
        """Make the configuration of a model that learns from nothing.

        Args:
            size: one of SIZES.
            family: one of encoders.FAMILIES.
            vocabulary: what it reads.
            padding: the id of padding.
            positions: ids that it reads at most.
            dropout: of hidden states and of attention.
            layers: how many; 0 for those of the size.
        """
        depth, width = SIZES[size]
        encoder = new_encoder_config(
            family,
            width,
            positions,
            vocab_size=vocabulary.size,
            num_hidden_layers=layers or depth,
            num_attention_heads=width // HEAD_WIDTH,
            initializer_range=initializer_range(width),
            pad_token_id=padding,
            **dropout_fields(family, dropout),
        )
        return cls.over(encoder, vocabulary)


class AlignmentHead(nn.Module):
    """BERT's next-sentence head: what its pooler makes of [CLS], and two classes."""

    def __init__(self, width: int) -> None:
        """Draw the first weights; the model does it again in its own way."""
        super().__init__()
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, 2)

    def forward(self, firsts: torch.Tensor) -> torch.Tensor:
        """Make the logits of ALIGNED and MISALIGNED, [n, 2], of states at [CLS], [n, width]."""
        logits: torch.Tensor = self.classifier(torch.tanh(self.pooler(firsts)))
        return logits


class VideoEncoderForPreTraining(JointNetwork, PreTrainedModel):
    """A masked language model over text and visual words, with an alignment head.

    Attributes:
        encoder: of transformers, with its masked head.
        alignment: the alignment head.
    """

    config_class = VideoEncoderConfig
    config: VideoEncoderConfig
    base_model_prefix = "encoder"
    judges = ("alignment.",)
    _supports_sdpa = True

    def __init__(self, config: VideoEncoderConfig) -> None:
        super().__init__(config)
        self.encoder: Any = AutoModelForMaskedLM.from_config(config.encoder)
        self.alignment = AlignmentHead(config.hidden_size)
        self.boundary: nn.Module | None = None
        self.turns: nn.Module | None = None
        self.post_init()
        if config.int8:
            to_int8(self)

    @property
    def kind(self) -> str:  # type: ignore[override]
        """What transformers calls its encoder."""
        return str(self.encoder.config.model_type)

    @property
    def in_orders(self) -> bool:  # type: ignore[override]
        """Whether it can be read in an order."""
        return self.family.in_orders

    @property
    def own_layers(self) -> bool:  # type: ignore[override]
        """Whether each layer has weights of its own."""
        return self.family.own_layers

    @property
    def stackable(self) -> bool:  # type: ignore[override]
        """Whether a layer may stand in the place of any other."""
        return self.family.stackable

    @property
    def family(self) -> Family:
        """What its encoder does otherwise than others."""
        return family_of(self.encoder.config)

    def get_input_embeddings(self) -> nn.Module:
        """Return the rows of text and visual words."""
        rows: nn.Module = self.encoder.get_input_embeddings()
        return rows

    def get_output_embeddings(self) -> nn.Module:
        """Return the last layer of the masked head."""
        decoder: nn.Module = self.encoder.get_output_embeddings()
        return decoder

    def set_attn_implementation(self, attn_implementation: Any, *others: Any) -> None:
        """Let the encoder attend otherwise, where it has more than one way to."""
        if not self.family.attends_in_one_way:
            super().set_attn_implementation(attn_implementation, *others)

    def states(self, input_ids: torch.Tensor, **others: Any) -> tuple[torch.Tensor, ...]:
        """Compute the hidden states of every layer; see JointNetwork."""
        inputs = inputs_of(self.encoder, input_ids, **others)
        found = self.encoder.base_model(**inputs, output_hidden_states=True, return_dict=True)
        states: tuple[torch.Tensor, ...] = found.hidden_states
        return states

    def encode(self, input_ids: torch.Tensor, **others: Any) -> torch.Tensor:
        """Compute the last of ``states``."""
        inputs = inputs_of(self.encoder, input_ids, **others)
        last: torch.Tensor = self.encoder.base_model(**inputs)[0]
        return last

    def complete(self, states: torch.Tensor) -> torch.Tensor:
        """Make the logits of all ids."""
        return self.family.complete(self.encoder, states)

    def judge(self, firsts: torch.Tensor) -> torch.Tensor:
        """Make the logits of ALIGNED and MISALIGNED."""
        logits: torch.Tensor = self.alignment(firsts)
        return logits

    @classmethod
    def from_checkpoint(
        cls, checkpoint: str, vocabulary: Vocabulary, dropout: float = 0.1
    ) -> VideoEncoderForPreTraining:
        """Start from a checkpoint of transformers.

        Its rows keep their ids. Those of ``[>]`` and of the visual words are drawn anew. Where it
        has no masked head, a fresh one is made, and the log says so.

        Args:
            checkpoint: a name or a path, of one of encoders.FAMILIES.
            vocabulary: what the model will read.
            dropout: of hidden states and of attention.

        Raises:
            InputError: if it has no row for some piece of the tokenizer, or is not whole.
        """
        encoder, complete = read_encoder(checkpoint, dropout)
        rows: int = encoder.config.vocab_size
        if vocabulary.text_size > rows:
            raise InputError(
                f"{checkpoint} has {rows:,} words and its tokenizer {vocabulary.text_size:,}: "
                "they do not belong together, take both from one folder"
            )
        encoder.resize_token_embeddings(vocabulary.size, mean_resizing=False)
        model = cls(VideoEncoderConfig.over(encoder.config, vocabulary))
        embeddings: Any = model.get_input_embeddings()
        decoder: Any = model.get_output_embeddings()
        fresh = embeddings.weight[vocabulary.joiner :].clone()
        model.encoder.load_state_dict(encoder.state_dict())
        # Some checkpoints have rows beyond their tokenizer's pieces, to fill up a multiple of 8.
        with torch.no_grad():
            embeddings.weight[vocabulary.joiner :] = fresh
            decoder.bias[vocabulary.joiner :] = 0
        if not complete:
            logger.warning(
                "%s has no masked head, so a fresh one learns from nothing: %s",
                checkpoint,
                model.family.advice,
            )
        return model


AutoConfig.register(VideoEncoderConfig.model_type, VideoEncoderConfig, exist_ok=True)
for auto_class in (AutoModel, AutoModelForPreTraining):
    auto_class.register(VideoEncoderConfig, VideoEncoderForPreTraining, exist_ok=True)
