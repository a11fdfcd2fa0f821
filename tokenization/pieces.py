"""Which pieces of a tokenizer begin a word, and which go on with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CONTINUES = "##"
"""Begins each piece that goes on with a word, in WordPiece."""


def continuing_pieces(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """List the ids of the pieces that go on with a word, ascending."""
    pieces = tokenizer.get_vocab()
    return tuple(sorted(number for piece, number in pieces.items() if piece.startswith(CONTINUES)))
