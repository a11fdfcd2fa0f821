"""What stands between people and the model's ids: the tokenizer and the codebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tokenization.codebook import CODEBOOK_FOLDER, Codebook
from tokenization.pieces import as_read
from tokenization.vocabulary import JOINER, Vocabulary
from videobert.plain_tokenizer import PlainTokenizer
from videobert.sequences import Ids, Part, SequenceLayout
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class VideoBertProcessor:
    """A tokenizer for text and a codebook for pictures, as one vocabulary.

    Attributes:
        tokenizer: Of any kind that tokenization.pieces knows, with ``[>]`` as its last token.
        codebook: The visual words.
    """

    tokenizer: PreTrainedTokenizerBase
    codebook: Codebook

    @property
    def vocabulary(self) -> Vocabulary:
        """Which ids are text and which are visual words."""
        pieces = len(self.tokenizer) - (JOINER in self.tokenizer.get_added_vocab())
        return Vocabulary(pieces, self.codebook.words)

    def layout(self, max_length: int, truncation: str = "head") -> SequenceLayout:
        """Say how sequences of at most ``max_length`` ids are laid out; see sequences."""
        ids = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id, self.tokenizer.pad_token_id
        return SequenceLayout(self.vocabulary, *ids, max_length, truncation)

    def text_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Make the ids of each text, without [CLS] and [SEP]; see pieces.as_read for its masks."""
        read = [as_read(self.tokenizer, text) for text in texts]
        return self.tokenizer(read, add_special_tokens=False)["input_ids"]

    def inputs(
        self, texts: Sequence[Ids], visual: Sequence[Ids], max_length: int
    ) -> dict[str, torch.Tensor]:
        """Make tensors of ``arrays``."""
        import torch

        found = self.arrays(texts, visual, max_length)
        return {name: torch.from_numpy(array) for name, array in found.items()}

    def arrays(
        self, texts: Sequence[Ids], visual: Sequence[Ids], max_length: int
    ) -> dict[str, np.ndarray]:
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
            [layout.arrange(Part(text), Part(words, seen=True)) for text, words in pairs]
        )
        return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}

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
        """Read both from a model's folder.

        AutoProcessor also hands over options for processors that are fetched from a network; they
        are not looked at.

        Raises:
            InputError: if the tokenizer or the codebook is missing or damaged.
        """
        from transformers import AutoTokenizer

        import videobert.networks  # noqa: F401  # or transformers warns of the kind

        def read() -> PreTrainedTokenizerBase:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            for kind in ("pad", "cls", "sep", "mask"):
                if getattr(tokenizer, f"{kind}_token_id") is None:
                    raise ValueError(f"it has no {kind} token")
            return tokenizer

        return cls._of(folder, read)

    @classmethod
    def read_plain(cls, folder: Path) -> VideoBertProcessor:
        """Read both from a model's folder without transformers, for asking alone.

        Raises:
            InputError: as from_pretrained does.
        """
        return cls._of(folder, lambda: cast("PreTrainedTokenizerBase", PlainTokenizer.read(folder)))

    @classmethod
    def _of(
        cls, folder: str | Path, read: Callable[[], PreTrainedTokenizerBase]
    ) -> VideoBertProcessor:
        try:
            tokenizer = read()
        # TypeError, AttributeError: JSON, but not an object.
        except (OSError, ValueError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{folder} has no tokenizer that can be read ({reason}): make the model again with "
                "videobert pretrain"
            ) from error
        return cls(tokenizer, Codebook.load(Path(folder) / CODEBOOK_FOLDER))


def with_joiner(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Add ``[>]`` to a tokenizer as its last, special token, so that it reads and writes it."""
    tokenizer.add_special_tokens({"extra_special_tokens": [JOINER]})
    return tokenizer
