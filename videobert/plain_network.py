"""The same network in plain torch, for asking alone: read in a tenth of a second.

Importing transformers takes longer than answering. A network that is only asked needs nothing of
it: this module has the formulas of BertForPreTraining and reads the same files. A folder whose
configuration it does not know is left to transformers; see ``is_plain``.

Shapes: [batch] rows, [length] ids of a row, [width] a hidden state, [positions] asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch.nn import functional

from tokenization.vocabulary import Vocabulary
from videobert.orders import MASKED

PLAIN = {"hidden_act": "gelu", "is_decoder": False, "add_cross_attention": False}
"""What a configuration has to say where it says anything of it."""
SHAPE = ("hidden_size", "num_attention_heads", "num_hidden_layers", "max_position_embeddings")
FIELDS = (*SHAPE, "layer_norm_eps", "text_size", "visual_size", "vocab_size")
WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True)
class PlainConfig:
    """The fields of a VideoBertConfig that answering needs."""

    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    max_position_embeddings: int
    layer_norm_eps: float
    text_size: int
    visual_size: int
    vocab_size: int
    objective: str = MASKED

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are visual words."""
        return Vocabulary(self.text_size, self.visual_size)


class Answered(NamedTuple):
    """What the network says; see VideoBertOutput."""

    prediction_logits: torch.Tensor
    alignment_logits: torch.Tensor


def is_plain(folder: Path, config: Mapping[str, Any]) -> bool:
    """Tell whether a folder's network is one that this module knows, in one file."""
    known = all(config.get(name, value) == value for name, value in PLAIN.items())
    return known and set(FIELDS) <= config.keys() and (folder / WEIGHTS_FILE).is_file()


class PlainVideoBert:
    """A VideoBertForPreTraining that can be asked and not trained.

    Attributes:
        config: its shape.
        weights: tensors by the names that transformers gives them.
        missing: names that the file lacks.
    """

    def __init__(self, config: PlainConfig, weights: dict[str, torch.Tensor]) -> None:
        self.config = config
        self.weights = weights
        words = "bert.embeddings.word_embeddings.weight"
        if words in weights:  # the two are one, unless the file has both
            weights.setdefault("cls.predictions.decoder.weight", weights[words])
        if "cls.predictions.bias" in weights:
            weights.setdefault("cls.predictions.decoder.bias", weights["cls.predictions.bias"])
        self.missing = sorted(set(_names(config)) - weights.keys())

    @classmethod
    def read(cls, folder: Path, config: Mapping[str, Any]) -> PlainVideoBert:
        """Read a model's folder; see ``is_plain``.

        Raises:
            SafetensorError: if the weights are damaged.
        """
        shape = {name: config[name] for name in FIELDS}
        made = PlainConfig(**shape, objective=config.get("objective", MASKED))
        return cls(made, load_file(folder / WEIGHTS_FILE))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(iter(self.weights.values())).device

    def to(self, device: torch.device) -> PlainVideoBert:
        """Return the network on a device."""
        weights = {name: tensor.to(device) for name, tensor in self.weights.items()}
        return PlainVideoBert(self.config, weights)

    def states(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Compute the hidden states of every layer; see JointNetwork.

        Args:
            input_ids: int64 [batch, length].
            attention_mask: [batch, length], 0 on padding; or bool [batch, 1, length, length],
                which place sees which.
            token_type_ids: [batch, length], 0 on text and 1 on visual words.
        """
        before, weights = "bert.embeddings", self.weights
        states = weights[f"{before}.word_embeddings.weight"][input_ids]
        states = states + weights[f"{before}.token_type_embeddings.weight"][token_type_ids]
        positions = weights[f"{before}.position_embeddings.weight"]
        states = self._norm(f"{before}.LayerNorm", states + positions[: input_ids.shape[1]])
        seen = attention_mask.bool()
        seen = seen[:, None, None] if seen.ndim == 2 else seen
        found = [states]
        for layer in range(self.config.num_hidden_layers):
            found.append(self._layer(f"bert.encoder.layer.{layer}", found[-1], seen))
        return tuple(found)

    def encode(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Compute the last of ``states``, [batch, length, width]."""
        return self.states(**inputs)[-1]

    def __call__(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        predict_at: torch.Tensor | None = None,
    ) -> Answered:
        """Complete the masks and judge the alignment; see JointNetwork.forward."""
        hidden = self.states(input_ids, attention_mask, token_type_ids)[-1]
        asked = hidden if predict_at is None else hidden[predict_at]
        first = torch.tanh(self._dense("bert.pooler.dense", hidden[:, 0]))
        turned = functional.gelu(self._dense("cls.predictions.transform.dense", asked))
        turned = self._norm("cls.predictions.transform.LayerNorm", turned)
        logits = self._dense("cls.predictions.decoder", turned)
        return Answered(logits, self._dense("cls.seq_relationship", first))

    def _layer(self, name: str, states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        batch, length, width = states.shape
        heads = self.config.num_attention_heads
        query, key, value = (
            self._dense(f"{name}.attention.self.{part}", states)
            .view(batch, length, heads, width // heads)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        found = found.transpose(1, 2).reshape(batch, length, width)
        added = self._dense(f"{name}.attention.output.dense", found)
        states = self._norm(f"{name}.attention.output.LayerNorm", added + states)
        inner = functional.gelu(self._dense(f"{name}.intermediate.dense", states))
        added = self._dense(f"{name}.output.dense", inner)
        return self._norm(f"{name}.output.LayerNorm", added + states)

    def _dense(self, name: str, states: torch.Tensor) -> torch.Tensor:
        return functional.linear(
            states, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        )

    def _norm(self, name: str, states: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.layer_norm(states, weight.shape, weight, bias, self.config.layer_norm_eps)


def _names(config: PlainConfig) -> list[str]:
    """List the names of all tensors of a network."""
    parts = [
        *(f"attention.self.{part}" for part in ("query", "key", "value")),
        *("attention.output.dense", "attention.output.LayerNorm"),
        *("intermediate.dense", "output.dense", "output.LayerNorm"),
    ]
    layers = range(config.num_hidden_layers)
    modules = [f"bert.encoder.layer.{layer}.{part}" for layer in layers for part in parts]
    heads = ("transform.dense", "transform.LayerNorm", "decoder")
    modules += [f"cls.predictions.{head}" for head in heads]
    modules += ["bert.embeddings.LayerNorm", "bert.pooler.dense", "cls.seq_relationship"]
    kinds = ("word", "position", "token_type")
    tables = [f"bert.embeddings.{kind}_embeddings.weight" for kind in kinds]
    return tables + [f"{name}.{end}" for name in modules for end in ("weight", "bias")]
