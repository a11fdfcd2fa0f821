"""Tiny checkpoints of every family of encoders, each with its own kind of tokenizer.

They are written as transformers writes them. Their weights are drawn large enough that a wrong
mask or position shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from tests.toys import tokenizers as toys

WIDTH, POSITIONS = 32, 130
TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "bert": toys.wordpiece,
    "roberta": toys.byte_bpe,
    "xlm-roberta": toys.sentencepiece,
    "albert": toys.bracketed_sentencepiece,
    "electra": toys.wordpiece,
    "distilbert": toys.wordpiece,
    "mpnet": toys.mpnet_wordpiece,
    "modernbert": toys.bracketed_byte_bpe,
}
OWN: dict[str, dict[str, Any]] = {
    "roberta": {"type_vocab_size": 1},
    "xlm-roberta": {"type_vocab_size": 1},
    "albert": {"embedding_size": 16},
    "electra": {"embedding_size": 16},
    "distilbert": {"hidden_dim": 48},
    "modernbert": {
        "local_attention": 4,
        "global_attn_every_n_layers": 2,
        "cls_token_id": None,
        "sep_token_id": None,
    },
}


def config_of(kind: str, rows: int, tokenizer: PreTrainedTokenizerBase) -> PreTrainedConfig:
    """Return the shape of a tiny encoder of two layers; its rows may be more than the pieces."""
    return AutoConfig.for_model(
        kind,
        vocab_size=rows,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        **{"intermediate_size": 48} if kind != "distilbert" else {},
        **OWN.get(kind, {}),
    )


def write_checkpoint(folder: Path, kind: str, spare: int = 3, head: str = "words") -> Path:
    """Write a checkpoint with its tokenizer.

    Args:
        folder: to make.
        kind: one of TOKENIZERS.
        spare: rows beyond the tokenizer's pieces.
        head: "words" for one that fills masks, "none" for an encoder alone.
    """
    tokenizer = TOKENIZERS[kind]()
    tokenizer.save_pretrained(folder)
    config = config_of(kind, len(tokenizer) + spare, tokenizer)
    torch.manual_seed(0)
    # BERT's own class has the next-sentence head, too.
    made = AutoModelForPreTraining if kind == "bert" else AutoModelForMaskedLM
    model: Any = made.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    model.tie_weights()
    (model if head == "words" else model.base_model).save_pretrained(folder)
    return folder
