"""The tokenizer of a model's folder without transformers, for asking alone.

It reads the files that transformers wrote, with the library that transformers uses, and has the
few names of PreTrainedTokenizerBase that answering needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from workfolder.files import read_json

FILE, CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"
KINDS = ("pad", "unk", "cls", "sep", "mask")


class PlainTokenizer:
    """A tokenizer that reads and writes text and cannot be changed.

    Attributes:
        pad_token_id, unk_token_id, cls_token_id, sep_token_id, mask_token_id: ids of the signs.
    """

    pad_token_id: int
    unk_token_id: int
    cls_token_id: int
    sep_token_id: int
    mask_token_id: int

    def __init__(self, tokenizer: Tokenizer, config: dict[str, Any]) -> None:
        """Find the signs.

        Raises:
            ValueError: if one of KINDS is missing.
        """
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._signs = [_text(config.get(f"{kind}_token")) for kind in KINDS]
        for kind, sign in zip(KINDS, self._signs, strict=True):
            number = tokenizer.token_to_id(sign) if sign else None
            if number is None:
                raise ValueError(f"it has no {kind} token")
            setattr(self, f"{kind}_token_id", number)
        self._signs += [_text(sign) for sign in config.get("extra_special_tokens") or []]

    @classmethod
    def read(cls, folder: Path) -> PlainTokenizer:
        """Read a model's folder.

        Raises:
            ValueError: if a file is damaged, or a sign is missing.
        """
        try:
            tokenizer = Tokenizer.from_file(str(folder / FILE))
        except Exception as error:  # the library raises Exception itself
            raise ValueError(str(error)) from error
        return cls(tokenizer, read_json(folder / CONFIG_FILE))

    @property
    def backend_tokenizer(self) -> Tokenizer:
        """The tokenizer of the library, as transformers calls it."""
        return self._tokenizer

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def __call__(self, texts: list[str], add_special_tokens: bool = True) -> dict[str, Any]:
        """Make the ids of texts."""
        found = self._tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)
        return {"input_ids": [one.ids for one in found]}

    @cached_property
    def all_special_ids(self) -> list[int]:
        """The ids of the signs."""
        numbers = (self._tokenizer.token_to_id(sign) for sign in self._signs if sign)
        return [number for number in numbers if number is not None]

    def get_added_vocab(self) -> dict[str, int]:
        """Return the ids of what was added to the pieces, by text."""
        added = self._tokenizer.get_added_tokens_decoder()
        return {token.content: number for number, token in added.items()}

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> Any:
        """Spell an id, or each of several."""
        if isinstance(ids, int):
            return self._tokenizer.id_to_token(ids)
        return [self._tokenizer.id_to_token(number) for number in ids]

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """Make the text of ids."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def _text(sign: Any) -> str | None:
    """Return a sign as text; old files keep its properties, too."""
    return sign.get("content") if isinstance(sign, dict) else sign
