"""How a tokenizer writes words: which pieces begin one, which go on with one, and how it is asked.

What differs between tokenizers stands here alone:

    WordPiece          chop ##ing       pieces that go on with a word have a sign
    byte-level BPE     Ġchop ing        pieces that begin a word have one, for the space before it
    SentencePiece      ▁chop ing        so do these; it makes a space before the first word itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import decoders, models

from tokenization.vocabulary import SPECIAL_TOKENS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASK = SPECIAL_TOKENS["mask_token"]
"""What people write in a sentence where a word is asked for, whatever the tokenizer's own sign."""
BYTES_SPACE, PIECES_SPACE = "Ġ", "▁"
"""How a space is written in a piece: by byte-level BPE, and by SentencePiece."""


def continuing_pieces(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """List the ids of the pieces that go on with a word, ascending."""
    pieces, begins = tokenizer.get_vocab(), _begins(tokenizer)
    if begins is None:
        sign = _goes_on(tokenizer)
        return tuple(sorted(number for piece, number in pieces.items() if piece.startswith(sign)))
    added = tokenizer.get_added_vocab()
    return tuple(
        sorted(
            number
            for piece, number in pieces.items()
            if not piece.startswith(begins) and piece not in added
        )
    )


def words_of_one_piece(tokenizer: PreTrainedTokenizerBase, size: int) -> dict[int, str]:
    """Find the pieces that are words by themselves, of letters only.

    Special tokens, pieces that go on with a word, digits and punctuation are left out.

    Args:
        tokenizer: has the pieces.
        size: how many ids are looked at, from 0.

    Returns:
        The word of each id, by ascending id.
    """
    pieces, begins = tokenizer.convert_ids_to_tokens(list(range(size))), _begins(tokenizer)
    if begins is not None:
        read = decoders.ByteLevel().decode if begins == BYTES_SPACE else "".join
        pieces = [read([piece])[1:] if piece.startswith(begins) else "" for piece in pieces]
    return {number: word for number, word in enumerate(pieces) if word.isalpha()}


def as_read(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Write a text as the tokenizer shall read it.

    MASK becomes the tokenizer's own sign; where spaces belong to the word after them, the mask has
    its own. Byte-level BPE would spell the first word of a text otherwise than the same word
    elsewhere, so it gets the space that other words have.
    """
    sign = str(tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id))
    begins = _begins(tokenizer)
    if begins is not None:
        text = text.replace(f" {MASK}", MASK)
    spaced = begins == BYTES_SPACE and text and not text.startswith((" ", MASK))
    return (" " if spaced else "") + text.replace(MASK, sign)


def as_typed(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Write MASK where a text has the tokenizer's own sign for it."""
    return text.replace(str(tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id)), MASK)


def _begins(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return the sign of pieces that begin a word; None where those that go on with one have it."""
    decoder = tokenizer.backend_tokenizer.decoder
    if isinstance(decoder, decoders.ByteLevel):
        return BYTES_SPACE
    return PIECES_SPACE if isinstance(decoder, decoders.Metaspace) else None


def _goes_on(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the sign of pieces that go on with a word."""
    model = tokenizer.backend_tokenizer.model
    sign = model.continuing_subword_prefix if isinstance(model, models.WordPiece) else None
    return str(sign or "##")
