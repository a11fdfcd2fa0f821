"""The same network in plain arrays, for asking alone: read in a tenth of a second.

Importing torch and transformers takes longer than answering. A network that is only asked needs
neither: this module has the formulas of BertForPreTraining and reads the same files. A folder whose
configuration it does not know is left to transformers; see ``is_plain``. A large network, and any
beside a GPU, computes with torch all the same.

Shapes: [batch] rows, [length] ids of a row, [width] a hidden state, [positions] asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from feature_extraction.options import may_have_gpu
from tokenization.vocabulary import Vocabulary
from videobert.orders import MASKED
from videobert.plain_arrays import NumpyArrays, TorchArrays

if TYPE_CHECKING:
    import torch

PLAIN = {
    "model_type": "videobert",
    "hidden_act": "gelu",
    "is_decoder": False,
    "add_cross_attention": False,
    "heads": None,
    "shared": False,
    "embedding_size": None,
    "int8": False,
}
"""What a configuration has to say where it says anything of it."""
SHAPE = ("hidden_size", "num_attention_heads", "num_hidden_layers", "max_position_embeddings")
FIELDS = (*SHAPE, "layer_norm_eps", "text_size", "visual_size", "vocab_size")
WEIGHTS_FILE = "model.safetensors"
SMALL = 64 * 2**20
"""Bytes of weights up to which numpy answers about a clip before torch is imported."""
Array = Any
"""An array of numpy, or a tensor."""


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

    prediction_logits: Array
    alignment_logits: Array


def is_plain(folder: Path, config: Mapping[str, Any]) -> bool:
    """Tell whether a folder's network is one that this module knows, in one file."""
    known = all(config.get(name, value) == value for name, value in PLAIN.items())
    return known and set(FIELDS) <= config.keys() and (folder / WEIGHTS_FILE).is_file()


class PlainVideoBert:
    """A VideoBertForPreTraining that can be asked and not trained.

    Attributes:
        config: its shape.
        weights: arrays by the names that transformers gives them.
        device: where tensors are; None for arrays of numpy.
        missing: names that the file lacks.
    """

    def __init__(
        self, config: PlainConfig, weights: dict[str, Array], device: torch.device | None = None
    ) -> None:
        self.config, self.weights, self.device = config, weights, device
        self._arrays: type[NumpyArrays | TorchArrays] = (
            NumpyArrays if device is None else TorchArrays
        )
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
        file = folder / WEIGHTS_FILE
        if not may_have_gpu() and config.get("dtype") == "float32" and file.stat().st_size <= SMALL:
            from safetensors.numpy import load_file

            return cls(made, load_file(file))
        import torch
        from safetensors.torch import load_file as load_tensors

        return cls(made, load_tensors(file), torch.device("cpu"))

    def placed(self) -> PlainVideoBert:
        """Return the network where it answers fastest."""
        if self.device is None:
            return self
        import torch

        device = torch.accelerator.current_accelerator(check_available=True) or self.device
        tensors = {name: each.to(device) for name, each in self.weights.items()}
        return PlainVideoBert(self.config, tensors, device)

    def states(
        self,
        input_ids: Array,
        attention_mask: Array,
        token_type_ids: Array,
    ) -> tuple[Array, ...]:
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
        seen = attention_mask != 0
        seen = seen[:, None, None] if seen.ndim == 2 else seen
        found = [states]
        for layer in range(self.config.num_hidden_layers):
            found.append(self._layer(f"bert.encoder.layer.{layer}", found[-1], seen))
        return tuple(found)

    def encode(self, **inputs: Array) -> Array:
        """Compute the last of ``states``, [batch, length, width]."""
        return self.states(**inputs)[-1]

    def __call__(
        self,
        input_ids: Array,
        attention_mask: Array,
        token_type_ids: Array,
        predict_at: Array | None = None,
    ) -> Answered:
        """Complete the masks and judge the alignment; see JointNetwork.forward."""
        hidden = self.states(input_ids, attention_mask, token_type_ids)[-1]
        asked = hidden if predict_at is None else hidden[predict_at]
        first = self._arrays.tanh(self._dense("bert.pooler.dense", hidden[:, 0]))
        turned = self._arrays.gelu(self._dense("cls.predictions.transform.dense", asked))
        turned = self._norm("cls.predictions.transform.LayerNorm", turned)
        logits = self._dense("cls.predictions.decoder", turned)
        return Answered(logits, self._dense("cls.seq_relationship", first))

    def _layer(self, name: str, states: Array, seen: Array) -> Array:
        batch, length, width = states.shape
        heads = self.config.num_attention_heads
        query, key, value = (
            self._dense(f"{name}.attention.self.{part}", states)
            .reshape(batch, length, heads, width // heads)
            .swapaxes(1, 2)
            for part in ("query", "key", "value")
        )
        found = self._arrays.attend(query, key, value, seen)
        found = found.swapaxes(1, 2).reshape(batch, length, width)
        added = self._dense(f"{name}.attention.output.dense", found)
        states = self._norm(f"{name}.attention.output.LayerNorm", added + states)
        inner = self._arrays.gelu(self._dense(f"{name}.intermediate.dense", states))
        added = self._dense(f"{name}.output.dense", inner)
        return self._norm(f"{name}.output.LayerNorm", added + states)

    def _dense(self, name: str, states: Array) -> Array:
        weights = self.weights
        return self._arrays.dense(states, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def _norm(self, name: str, states: Array) -> Array:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return self._arrays.norm(states, weight, bias, self.config.layer_norm_eps)


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
