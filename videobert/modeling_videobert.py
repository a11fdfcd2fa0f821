"""A BERT whose vocabulary ends in visual words.

The modules and their names are those of transformers' BertForPreTraining, so any BERT checkpoint
fits. Its next-sentence head becomes the alignment head.

Shapes: [batch] rows, [length] ids of a row, [vocabulary] all ids, [positions] that are asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
from transformers.utils import ModelOutput

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.orders import visible
from workfolder.errors import InputError


@dataclass
class VideoBertOutput(ModelOutput):
    """What the model says.

    Attributes:
        prediction_logits: [batch, length, vocabulary], or [positions, vocabulary] if positions were
            asked for.
        alignment_logits: Of ALIGNED and MISALIGNED, [batch, 2].
        boundary_logits: [positions, vocabulary], from the sides of the spans that they are in; None
            without a boundary head.
    """

    # ModelOutput wants defaults.
    prediction_logits: torch.Tensor = None  # type: ignore[assignment]
    alignment_logits: torch.Tensor = None  # type: ignore[assignment]
    boundary_logits: torch.Tensor | None = None


class VideoBertModel(BertModel):
    """The encoder alone: hidden states, and the pooled one of [CLS]."""

    config_class = VideoBertConfig


class VideoBertForMaskedLM(BertForMaskedLM):
    """The encoder with the masked-completion head alone, as transformers' pipelines want it."""

    config_class = VideoBertConfig


class VideoBertForPreTraining(BertForPreTraining):
    """BERT with a masked-completion head over text and visual words, and an alignment head.

    Attributes:
        boundary: a head that training may add; see pretraining.boundary.
    """

    config_class = VideoBertConfig
    config: VideoBertConfig

    def __init__(self, config: VideoBertConfig) -> None:
        super().__init__(config)
        self.boundary: torch.nn.Module | None = None

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        sequence_ids: torch.Tensor | None = None,
        rank: torch.Tensor | None = None,
        reach: torch.Tensor | None = None,
        predict_at: torch.Tensor | None = None,
        judge_at: torch.Tensor | None = None,
        before: torch.Tensor | None = None,
        after: torch.Tensor | None = None,
    ) -> VideoBertOutput:
        """Complete the masks and judge the alignment.

        Args:
            input_ids: int64 [batch, length].
            attention_mask: [batch, length], 0 on padding.
            token_type_ids: [batch, length], 0 on text and 1 on visual words.
            position_ids: [batch, length], the place of an id in its sequence; None for its place in
                the row.
            sequence_ids: [batch, length], if rows hold several sequences: which of them an id is
                of, any number for padding. Attention then stays inside each sequence, and
                ``attention_mask`` is not looked at.
            rank: [batch, length], where a sequence is read in an order; see orders.
            reach: [batch, length], as ``rank``.
            predict_at: bool [batch, length], the positions that get logits; None for all. Most of
                the work is saved if 15 % of the positions are masked and the vocabulary has 51,259
                words.
            judge_at: bool [batch, length], the [CLS] whose sequences are judged; None for the first
                of each row.
            before: [batch, length], for the boundary head: how far the last place before the span
                of a hidden id is.
            after: [batch, length], how far the first place after it is.
        """
        if sequence_ids is not None:
            attention_mask = self._within_sequences(sequence_ids, rank, reach)
        hidden = self.bert(input_ids, attention_mask, token_type_ids, position_ids)[0]
        firsts = hidden if judge_at is None else hidden[judge_at][:, None]
        asked = hidden if predict_at is None else hidden[predict_at]
        pooled = self.bert.pooler(firsts)  # type: ignore[misc]  # this class has a pooler
        predictions, alignment = self.cls(asked, pooled)
        output = VideoBertOutput(prediction_logits=predictions, alignment_logits=alignment)
        if self.boundary is not None:
            found = self.boundary(hidden, predict_at, before, after)
            output.boundary_logits = self.cls.predictions.decoder(found)
        return output

    def _within_sequences(
        self, sequence_ids: torch.Tensor, rank: torch.Tensor | None, reach: torch.Tensor | None
    ) -> torch.Tensor:
        """Make the mask that keeps attention in each sequence, [batch, 1, length, length]."""
        together = sequence_ids[:, :, None] == sequence_ids[:, None, :]
        if rank is not None and reach is not None:
            together = visible(rank, reach, sequence_ids)
        together = together[:, None]
        # The eager implementation adds its mask, the others take one of bool.
        if self.config._attn_implementation != "eager":
            return together
        return torch.where(together, 0.0, torch.finfo(self.dtype).min).to(self.dtype)

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
            InputError: if the checkpoint is of another kind, or has no row for some piece of the
                tokenizer.
        """
        refuse_other_kinds(checkpoint)
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

    @torch.no_grad()
    def set_visual_embeddings(self, places: np.ndarray) -> None:
        """Start the rows of the visual words from where they lie in the codebook.

        What looks alike then starts alike. Places are centred, as features after a ReLU share a
        large mean. They are turned to their principal axes, cut or filled up to the model's width,
        and scaled so that their mean norm is that of the word rows. Dead words keep their random
        rows.

        Args:
            places: [visual words, any width], NaN for dead words.
        """
        width = self.bert.embeddings.word_embeddings.weight.shape[1]
        living = np.isfinite(places).all(axis=1)
        centred = places[living] - places[living].mean(axis=0)
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        turned = centred @ axes[:width].T
        rows = np.full((len(places), width), np.nan, dtype=places.dtype)
        rows[living] = np.pad(turned, ((0, 0), (0, width - turned.shape[1])))
        self.set_visual_rows(rows)

    @torch.no_grad()
    def set_visual_rows(self, vectors: np.ndarray) -> None:
        """Start the rows of the visual words, scaled so that their mean norm is that of words.

        Args:
            vectors: [visual words, width], NaN for those that keep their random rows.
        """
        rows, vocabulary = self.bert.embeddings.word_embeddings.weight, self.config.vocabulary
        living = np.isfinite(vectors).all(axis=1)
        projected = torch.from_numpy(vectors[living]).to(rows.dtype)
        norm = projected.norm(dim=1).mean().clamp_min(torch.finfo(rows.dtype).tiny)
        word_norm = rows[: vocabulary.text_size].norm(dim=1).mean()
        rows[vocabulary.first_visual + torch.from_numpy(np.flatnonzero(living))] = projected * (
            word_norm / norm
        )


def kind_of(checkpoint: str) -> str:
    """Return what transformers calls the kind of a checkpoint, a name or a path.

    Raises:
        OSError: if there is none.
    """
    config, _ = BertConfig.get_config_dict(checkpoint)
    return str(config.get("model_type", BertConfig.model_type))  # the oldest do not say


def refuse_other_kinds(checkpoint: str) -> None:
    """Refuse a checkpoint of transformers, a name or a path, that is not a BERT.

    Raises:
        InputError: if it is of another kind.
        OSError: if there is none.
    """
    kind = kind_of(checkpoint)
    if kind != BertConfig.model_type:
        raise InputError(
            f"{checkpoint} is of the kind {kind!r}, not 'bert': give a BERT to begin with"
        )


for auto_class, videobert_class in (
    (AutoModel, VideoBertModel),
    (AutoModelForMaskedLM, VideoBertForMaskedLM),
    (AutoModelForPreTraining, VideoBertForPreTraining),
):
    auto_class.register(VideoBertConfig, videobert_class, exist_ok=True)
