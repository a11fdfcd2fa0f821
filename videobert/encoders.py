"""The encoders that a model may have, and all in which their families differ.

A family is what transformers calls a kind of model, its ``model_type``. No other file knows one by
its name but that of BERT itself, whose models have had their own names of weights from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel

from videobert.joint_network import added
from workfolder.errors import InputError

BERT_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
FACTORISED = 128
"""Width of ALBERT's embeddings at every size (Lan et al., 2020, "ALBERT", table 1)."""


@dataclass(frozen=True)
class Family:
    """What one family does otherwise than others.

    Attributes:
        complete: makes the logits of a model's masked head, of hidden states.
        shape: fields of its configuration that follow from the width.
        dropouts: the fields of its configuration that hold shares of dropout.
        after_padding: whether positions are counted from the id of padding on.
        attends_in_one_way: whether its attention is its own alone, with masks that are added.
        local: whether some of its layers see only what is near.
        in_orders: whether it can be read in an order; its copies of masks must then find their
            places by position ids alone.
        own_layers: whether each layer has weights of its own.
        stackable: whether a layer may stand in the place of any other.
        advice: what to give where a checkpoint has no masked head.
    """

    complete: Callable[[Any, torch.Tensor], torch.Tensor]
    shape: Callable[[int], Mapping[str, Any]] = lambda width: {"intermediate_size": 4 * width}
    dropouts: tuple[str, ...] = BERT_DROPOUTS
    after_padding: bool = False
    attends_in_one_way: bool = False
    local: bool = False
    in_orders: bool = True
    own_layers: bool = True
    stackable: bool = True
    advice: str = "a checkpoint that filled masks has one"


def _generated(model: Any, states: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = model.generator_lm_head(model.generator_predictions(states))
    return logits


def _projected(model: Any, states: torch.Tensor) -> torch.Tensor:
    turned = model.vocab_layer_norm(model.activation(model.vocab_transform(states)))
    logits: torch.Tensor = model.vocab_projector(turned)
    return logits


ROBERTA = Family(
    complete=lambda model, states: model.lm_head(states),
    shape=lambda width: {"intermediate_size": 4 * width, "type_vocab_size": 1},
    after_padding=True,
)
FAMILIES: Mapping[str, Family] = {
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "albert": Family(
        complete=lambda model, states: model.predictions(states),
        shape=lambda width: {"intermediate_size": 4 * width, "embedding_size": FACTORISED},
        own_layers=False,
        stackable=False,
    ),
    "electra": Family(
        complete=_generated,
        shape=lambda width: {"intermediate_size": 4 * width, "embedding_size": width},
        advice="the generator has one, the discriminator has not",
    ),
    "distilbert": Family(
        complete=_projected,
        shape=lambda width: {"hidden_dim": 4 * width},
        dropouts=("dropout", "attention_dropout"),
    ),
    # Its attention adds a bias by the place in the row, where a copy of a mask has another place.
    "mpnet": Family(
        complete=lambda model, states: model.lm_head(states),
        after_padding=True,
        attends_in_one_way=True,
        in_orders=False,
    ),
    # Its local layers would cut what an order lets a place see. The first layer has no norm.
    "modernbert": Family(
        complete=lambda model, states: model.decoder(model.head(states)),
        shape=lambda width: {
            "intermediate_size": 3 * width // 2,  # gated: 1,152 of 768
            "cls_token_id": None,
            "sep_token_id": None,
        },
        dropouts=("embedding_dropout", "mlp_dropout", "attention_dropout"),
        local=True,
        in_orders=False,
        stackable=False,
    ),
}
INSTEAD = {
    "xlnet": "; XLNet has no head that fills masks, but --objective permutation makes any of them "
    "read in drawn orders as it does"
}
"""What else helps who comes with a kind that is none of FAMILIES."""


def family_of(config: PreTrainedConfig) -> Family:
    """Return the family of a configuration of transformers."""
    return FAMILIES[config.model_type]


def refuse_other_kinds(checkpoint: str, kind: str, known: tuple[str, ...]) -> None:
    """Check that a checkpoint is of a kind that can be started from.

    Raises:
        InputError: if it is not; the message says which are.
    """
    if kind not in known:
        raise InputError(
            f"{checkpoint} is of the kind {kind!r}: give a checkpoint of one of the kinds "
            f"{', '.join(known)}{INSTEAD.get(kind, '')}"
        )


def dropout_fields(kind: str, share: float) -> dict[str, float]:
    """Return the fields of a configuration that make its dropout ``share``."""
    names = FAMILIES[kind].dropouts if kind in FAMILIES else BERT_DROPOUTS
    return dict.fromkeys(names, share)


def new_encoder_config(kind: str, width: int, positions: int, **fields: Any) -> PreTrainedConfig:
    """Make the configuration of an encoder that learns from nothing.

    Args:
        kind: one of FAMILIES.
        width: of its hidden states.
        positions: ids that it reads at most.
        **fields: others, among them pad_token_id; all families have them by the same names.
    """
    family = FAMILIES[kind]
    longest = positions + (fields["pad_token_id"] + 1 if family.after_padding else 0)
    # The signs' ids are the tokenizer's; the usual ones may lie beyond the vocabulary.
    signs = {"bos_token_id": None, "eos_token_id": None}
    shape = {"hidden_size": width, "max_position_embeddings": longest, **family.shape(width)}
    config: PreTrainedConfig = AutoConfig.for_model(kind, **shape, **signs, **fields)
    return config


def first_position(config: PreTrainedConfig) -> int:
    """Return the position id of [CLS]."""
    return int(config.pad_token_id or 0) + 1 if family_of(config).after_padding else 0


def inputs_of(
    encoder: PreTrainedModel,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    token_type_ids: torch.Tensor | None = None,
    position_ids: torch.Tensor | None = None,
) -> dict[str, Any]:
    """Turn a model's inputs into those of its encoder.

    Token types are left out where the family has not two of them; ids say it already. Positions
    always are given, as some families would count them from the ids.

    Args:
        encoder: of one of FAMILIES.
        input_ids: int64 [batch, length].
        attention_mask: [batch, length], 0 on padding; or bool [batch, 1, length, length], which
            place sees which.
        token_type_ids: [batch, length].
        position_ids: [batch, length], from 0; None for the place in the row.
    """
    config = encoder.config
    if position_ids is None:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        position_ids = places.expand(input_ids.shape)
    inputs = {
        "input_ids": input_ids,
        "position_ids": position_ids + first_position(config),
        "attention_mask": _mask(encoder, attention_mask, position_ids),
    }
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = token_type_ids
    return inputs


def _mask(
    encoder: PreTrainedModel, mask: torch.Tensor | None, position_ids: torch.Tensor
) -> torch.Tensor | dict[str, torch.Tensor | None] | None:
    config, family = encoder.config, family_of(encoder.config)
    if mask is None or mask.ndim == 2:
        return mask

    def taken(mask: torch.Tensor) -> torch.Tensor | None:
        # The eager implementation adds its mask, the others take one of bool.
        return added(mask, encoder.dtype) if config._attn_implementation == "eager" else mask

    if not family.local:
        return taken(mask)
    apart = (position_ids[:, :, None] - position_ids[:, None, :]).abs()[:, None]
    near: int = config.sliding_window
    return {"full_attention": taken(mask), "sliding_attention": taken(mask & (apart <= near))}


def read_encoder(checkpoint: str, dropout: float) -> tuple[PreTrainedModel, bool]:
    """Read a checkpoint of one of FAMILIES.

    Args:
        checkpoint: a name or a path.
        dropout: of hidden states and of attention.

    Returns:
        The encoder with its masked head, and whether the checkpoint had that head.

    Raises:
        InputError: if weights of the encoder itself are missing.
    """
    config = AutoConfig.from_pretrained(checkpoint)
    changes = dropout_fields(config.model_type, dropout)
    read: Any = AutoModelForMaskedLM.from_pretrained
    encoder, found = read(checkpoint, output_loading_info=True, **changes)
    body = f"{encoder.base_model_prefix}."
    if lost := sorted(name for name in found["missing_keys"] if name.startswith(body)):
        raise InputError(
            f"{checkpoint} lacks weights of a {config.model_type!r}, such as {lost[0]}: give the "
            "whole checkpoint"
        )
    return encoder, not found["missing_keys"]
