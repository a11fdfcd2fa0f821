"""One vocabulary: the ids of a WordPiece tokenizer, then ``[>]``, then the visual words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workfolder.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

JOINER = "[>]"
SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class Vocabulary:
    """Which ids are text and which are visual words.

    Attributes:
        text_size: the number of ids of the WordPiece tokenizer, 0 to text_size - 1.
        visual_size: the number of visual words, dead ones included, so that the id of a word never
            depends on the data.
    """

    text_size: int
    visual_size: int

    @property
    def joiner(self) -> int:
        """The id of ``[>]``, which separates a sentence from its visual words."""
        return self.text_size

    @property
    def first_visual(self) -> int:
        """The id of visual word 0."""
        return self.text_size + 1

    @property
    def size(self) -> int:
        """All ids: 30,522 + 1 + 20,736 = 51,259 for bert-base-uncased and the paper's codebook."""
        return self.first_visual + self.visual_size

    def visual_ids(self, words: np.ndarray) -> np.ndarray:
        """Turn visual words into ids, int64; raise InputError if one is not in the codebook."""
        words = np.asarray(words, dtype=np.int64)
        refuse_words_beyond(words, self.visual_size, "an example")
        return words + self.first_visual


def refuse_words_beyond(words: np.ndarray, count: int, holder: str) -> None:
    """Check that visual words are in the codebook.

    Args:
        words: visual words.
        count: how many the codebook has.
        holder: where the words stand, for the message.

    Raises:
        InputError: if one is negative, or ``count`` or more.
    """
    if words.size and not 0 <= words.min() <= words.max() < count:
        raise InputError(
            f"{holder} has visual words beyond the {count} of the codebook: "
            f"delete it and run videobert tokenize again"
        )


def train_wordpiece(
    sentences: Sequence[str], size: int = 30_000, min_frequency: int = 2
) -> PreTrainedTokenizerFast:
    """Learn a lower-case WordPiece tokenizer (Wu et al., 2016).

    The same sentences give the same ids.

    Args:
        sentences: what to learn from.
        size: the most pieces.
        min_frequency: how often a piece must occur to be made; single characters always are.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces = _wordpieces(
        [normalizer.normalize_str(sentence) for sentence in sentences], size, min_frequency
    )
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", pieces["[SEP]"]), ("[CLS]", pieces["[CLS]"])
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL_TOKENS)


def _wordpieces(sentences: Sequence[str], size: int, min_frequency: int) -> dict[str, int]:
    """Number the pieces: special tokens, single characters, then those that the trainer makes."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    # The trainer breaks ties by id, and numbers the characters in the random order of a hash map
    # unless it is given them first. So all characters are given, as if they were special.
    characters = sorted(
        {character for sentence in sentences for character in sentence if not character.isspace()}
    )
    given = [*SPECIAL_TOKENS.values(), *characters, *(f"##{character}" for character in characters)]
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(size, len(given)),
        min_frequency=min_frequency,
        special_tokens=given,
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    return dict(tokenizer.get_vocab())
