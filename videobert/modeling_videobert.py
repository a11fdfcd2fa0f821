"""A BERT whose vocabulary ends in visual words.

The modules and their names are those of transformers' BertForPreTraining, so any BERT checkpoint
fits. Its next-sentence head becomes the alignment head.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
)

from tokenization.vocabulary import Vocabulary
from videobert.bert_shapes import rows_of, shape_bert
from videobert.configuration_videobert import VideoBertConfig
from videobert.joint_network import JointNetwork, added
from workfolder.errors import InputError


class VideoBertModel(BertModel):
    """The encoder alone: hidden states, and the pooled one of [CLS]."""

    config_class = VideoBertConfig

    def __init__(self, config: VideoBertConfig, **others: Any) -> None:
        super().__init__(config, **others)
        shape_bert(self)

    def get_input_embeddings(self) -> torch.nn.Module:
        """Return the rows of words and visual words."""
        return rows_of(self)


class VideoBertForMaskedLM(BertForMaskedLM):
    """The encoder with the masked-completion head alone, as transformers' pipelines want it."""

    config_class = VideoBertConfig

    def __init__(self, config: VideoBertConfig) -> None:
        super().__init__(config)
        shape_bert(self)

    def get_input_embeddings(self) -> torch.nn.Module:
        """Return the rows of words and visual words."""
        return rows_of(self)


class VideoBertForPreTraining(JointNetwork, BertForPreTraining):
    """BERT with a masked-completion head over text and visual words, and an alignment head."""

    config_class = VideoBertConfig
    config: VideoBertConfig
    kind = BertConfig.model_type
    judges = ("bert.pooler.", "cls.seq_relationship.")

    def __init__(self, config: VideoBertConfig) -> None:
        super().__init__(config)
        self.boundary: torch.nn.Module | None = None
        self.turns: torch.nn.Module | None = None
        shape_bert(self)

    @property
    def own_layers(self) -> bool:  # type: ignore[override]
        """Whether each layer has weights of its own."""
        return not self.config.shared

    @property
    def stackable(self) -> bool:  # type: ignore[override]
        """Whether a layer may stand in the place of any other, as deep as the model may be."""
        return self.own_layers and self.config.heads is None

    def get_input_embeddings(self) -> torch.nn.Module:
        """Return the rows of words and visual words."""
        return rows_of(self)

    def states(self, input_ids: torch.Tensor, **others: Any) -> tuple[torch.Tensor, ...]:
        """Compute the hidden states of every layer; see JointNetwork."""
        found = self.bert(input_ids, **self._read(others), output_hidden_states=True)
        states: tuple[torch.Tensor, ...] = found.hidden_states
        return states

    def encode(self, input_ids: torch.Tensor, **others: Any) -> torch.Tensor:
        """Compute the last of ``states``."""
        last: torch.Tensor = self.bert(input_ids, **self._read(others))[0]
        return last

    def complete(self, states: torch.Tensor) -> torch.Tensor:
        """Make the logits of all ids."""
        logits: torch.Tensor = self.cls.predictions(states)
        return logits

    def judge(self, firsts: torch.Tensor) -> torch.Tensor:
        """Make the logits of ALIGNED and MISALIGNED."""
        pooled = self.bert.pooler(firsts[:, None])  # type: ignore[misc]  # this class has a pooler
        logits: torch.Tensor = self.cls.seq_relationship(pooled)
        return logits

    def _read(self, inputs: dict[str, Any]) -> dict[str, Any]:
        # The eager implementation adds its mask, the others take one of bool.
        if self.config._attn_implementation != "eager" or "attention_mask" not in inputs:
            return inputs
        return {**inputs, "attention_mask": added(inputs["attention_mask"], self.dtype)}

    @classmethod
    def from_bert(
        cls, checkpoint: str, vocabulary: Vocabulary, dropout: float = 0.1
    ) -> VideoBertForPreTraining:
        """Start from a BERT checkpoint of transformers.

        Its rows keep their ids. Those of ``[>]`` and of the visual words are drawn anew.

        Args:
            checkpoint: A name or a path.
            vocabulary: What the model will read.
            dropout: Of hidden states and of attention.

        Raises:
            InputError: if it has no row for some piece of the tokenizer.
        """
        bert = BertForPreTraining.from_pretrained(
            checkpoint, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
        if vocabulary.text_size > bert.config.vocab_size:
            raise InputError(
                f"{checkpoint} has {bert.config.vocab_size:,} words and its tokenizer "
                f"{vocabulary.text_size:,}: they do not belong together, take both from one folder"
            )
        bert.resize_token_embeddings(vocabulary.size, mean_resizing=False)
        sizes = {
            "text_size": vocabulary.text_size,
            "visual_size": vocabulary.visual_size,
            "vocab_size": vocabulary.size,
        }
        config = VideoBertConfig(
            **{**bert.config.to_dict(), **sizes, "model_type": VideoBertConfig.model_type}
        )
        model = cls(config)
        fresh = model.bert.embeddings.word_embeddings.weight[vocabulary.joiner :].clone()
        model.load_state_dict(bert.state_dict())
        # Some checkpoints have rows beyond their tokenizer's pieces, to fill up a multiple of 8.
        with torch.no_grad():
            model.bert.embeddings.word_embeddings.weight[vocabulary.joiner :] = fresh
            model.cls.predictions.bias[vocabulary.joiner :] = 0
        return model


for auto_class, videobert_class in (
    (AutoModel, VideoBertModel),
    (AutoModelForMaskedLM, VideoBertForMaskedLM),
    (AutoModelForPreTraining, VideoBertForPreTraining),
):
    auto_class.register(VideoBertConfig, videobert_class, exist_ok=True)
