"""Networks by the kind of their configuration: begun from a checkpoint or from nothing, or read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import BertConfig, PreTrainedConfig

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.encoders import dropout_fields, refuse_other_kinds
from videobert.joint_network import JointNetwork
from videobert.model_sizes import BERT, FAMILIES
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.modeling_videoencoder import VideoEncoderConfig, VideoEncoderForPreTraining

NETWORKS: dict[str, type[Any]] = {
    VideoBertConfig.model_type: VideoBertForPreTraining,
    VideoEncoderConfig.model_type: VideoEncoderForPreTraining,
}
"""The class of a model's folder, by what its configuration calls its kind."""


def kind_of(checkpoint: str) -> str:
    """Return what transformers calls the kind of a checkpoint, a name or a path.

    Raises:
        OSError: if there is none.
    """
    config, _ = PreTrainedConfig.get_config_dict(checkpoint)
    return str(config.get("model_type", BertConfig.model_type))  # the oldest do not say


def refuse_unknown(checkpoint: str) -> None:
    """Check that a checkpoint of transformers, a name or a path, is of a kind to start from.

    Raises:
        InputError: if it is of another kind.
        OSError: if there is none.
    """
    refuse_other_kinds(checkpoint, kind_of(checkpoint), FAMILIES)


def start_network(checkpoint: str, vocabulary: Vocabulary, dropout: float) -> JointNetwork:
    """Start from a checkpoint of transformers.

    Args:
        checkpoint: a name or a path.
        vocabulary: what the model will read.
        dropout: of hidden states and of attention.

    Raises:
        InputError: if it is of another kind, not whole, or not its tokenizer's.
    """
    refuse_unknown(checkpoint)
    if kind_of(checkpoint) == BERT:
        return VideoBertForPreTraining.from_bert(checkpoint, vocabulary, dropout)
    return VideoEncoderForPreTraining.from_checkpoint(checkpoint, vocabulary, dropout)


def new_network(
    size: str,
    family: str,
    vocabulary: Vocabulary,
    padding: int,
    positions: int,
    dropout: float,
    layers: int = 0,
) -> JointNetwork:
    """Make a model that learns from nothing; see VideoEncoderConfig.of_size."""
    if family == BERT:
        changes = {"num_hidden_layers": layers} if layers else {}
        config = VideoBertConfig.of_size(
            size,
            vocabulary,
            max_position_embeddings=positions,
            **changes,
            **dropout_fields(BERT, dropout),
        )
        return VideoBertForPreTraining(config)
    return VideoEncoderForPreTraining(
        VideoEncoderConfig.of_size(size, family, vocabulary, padding, positions, dropout, layers)
    )


def read_network(folder: Path, dropout: float | None = None) -> tuple[JointNetwork, set[str]]:
    """Read the network of a model's folder.

    Args:
        folder: what videobert pretrain wrote.
        dropout: of hidden states and of attention; None for that of the folder.

    Returns:
        The network in evaluation mode, and the names of weights that the folder lacks.
    """
    kind = NETWORKS[kind_of(str(folder))]
    config = kind.config_class.from_pretrained(folder, local_files_only=True)
    if dropout is not None:
        own = config.encoder if hasattr(config, "encoder") else config
        for name, share in dropout_fields(own.model_type, dropout).items():
            setattr(own, name, share)
    network, found = kind.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    return network.eval(), found["missing_keys"]
