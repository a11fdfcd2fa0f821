"""A tiny BERT of random weights with a tokenizer, as a folder of transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

from tests.toys.work_folder import NOUNS, VERBS

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write_bert(folder: Path, rows: int, positions: int = 64) -> Path:
    """A BERT of that many rows with a tokenizer of 23 pieces, among them ##ing."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, "the", "##ing", *VERBS, *NOUNS]) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    shape = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    torch.manual_seed(0)
    BertForPreTraining(
        BertConfig(vocab_size=rows, max_position_embeddings=positions, **shape)
    ).save_pretrained(folder)
    return folder
