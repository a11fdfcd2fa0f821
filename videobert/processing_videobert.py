"""What stands between people and the model's ids: the tokenizer and the codebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor, AutoTokenizer, PreTrainedTokenizerBase

from tokenization.codebook import Codebook
from tokenization.vocabulary import JOINER, Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.sequences import Ids, SequenceLayout
from workfolder.errors import InputError

CODEBOOK_FOLDER = "codebook"


@dataclass(frozen=True)
class VideoBertProcessor:
    """A tokenizer for text and a codebook for pictures, as one vocabulary."""

    tokenizer: PreTrainedTokenizerBase
    codebook: Codebook

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are pictures."""
        pieces = len(self.tokenizer) - (JOINER in self.tokenizer.get_added_vocab())
        return Vocabulary(pieces, self.codebook.words)

    def layout(self, max_length: int, truncation: str = "head") -> SequenceLayout:
        """How sequences of at most ``max_length`` ids are laid out."""
        ids = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id, self.tokenizer.pad_token_id
        return SequenceLayout(self.vocabulary, *ids, max_length, truncation)

    def text_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """WordPiece ids of each text, without [CLS] and [SEP]; ``[MASK]`` in a text is the mask."""
        return self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]

    def inputs(
        self, texts: Sequence[Ids], visual: Sequence[Ids], max_length: int
    ) -> dict[str, torch.Tensor]:
        """Make the model's inputs of pairs of WordPiece ids and visual words.

        Args:
            texts: Ids of each text, without special ones, possibly none.
            visual: Visual words of each pair, possibly none.
            max_length: Ids of a sequence at most.

        Returns:
            input_ids, token_type_ids and attention_mask, each int64 [batch, length].
        """
        layout = self.layout(max_length)
        pairs = zip(texts, visual, strict=True)
        ids, types, mask = layout.pad_together(
            [layout.arrange(text, words) for text, words in pairs]
        )
        arrays = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def __call__(
        self, texts: Sequence[str], visual: Sequence[Ids], max_length: int
    ) -> dict[str, torch.Tensor]:
        """Make the model's inputs of pairs of a text and visual words; see ``inputs``."""
        return self.inputs(self.text_ids(texts), visual, max_length)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the tokenizer's files and the codebook into a model's folder."""
        self.tokenizer.save_pretrained(folder)
        self.codebook.save(Path(folder) / CODEBOOK_FOLDER)

    @classmethod
    def from_pretrained(cls, folder: str | Path, **_: Any) -> VideoBertProcessor:
        """Read both from a model's folder; InputError if either is missing, damaged or without its special tokens.

        What else AutoProcessor hands over is for processors that are fetched from a network.
        """
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            if None in (
                tokenizer.pad_token_id,
                tokenizer.cls_token_id,
                tokenizer.sep_token_id,
                tokenizer.mask_token_id,
            ):
                raise ValueError("a special token is missing")
        except (
            OSError,
            ValueError,
            TypeError,
        ) as error:  # TypeError: config.json is JSON, but no mapping
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{folder} has no tokenizer that can be read ({reason}): make the model again with videobert pretrain"
            ) from error
        return cls(tokenizer, Codebook.load(Path(folder) / CODEBOOK_FOLDER))


def with_joiner(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The tokenizer with ``[>]`` as its last, special token, so that its text form is read and written."""
    tokenizer.add_special_tokens({"extra_special_tokens": [JOINER]})
    return tokenizer


AutoProcessor.register(VideoBertConfig, VideoBertProcessor, exist_ok=True)
