"""One vocabulary: the ids of a WordPiece tokenizer unchanged, then ``[>]``, then the visual words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

JOINER = "[>]"
SPECIAL_TOKENS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class Vocabulary:
    """Where text ends and pictures begin.

    Attributes:
        text_size: ids of the WordPiece tokenizer, 0 to text_size - 1.
        visual_size: how many visual words there are, dead ones included, so that a word's id never depends on the data.
    """

    text_size: int
    visual_size: int

    @property
    def joiner(self) -> int:
        """The id of ``[>]``, which stands between a sentence and its visual words."""
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
        """Ids of visual words; InputError if one lies beyond the codebook."""
        words = np.asarray(words, dtype=np.int64)
        if words.size and not (0 <= words.min() and words.max() < self.visual_size):
            raise InputError(
                f"visual word {words.max()} is beyond the {self.visual_size} of the codebook: tokenize again"
            )
        return words + self.first_visual


def train_wordpiece(sentences: Iterable[str], size: int = 30_000, min_frequency: int = 2) -> PreTrainedTokenizerFast:
    """Learn a lower-case WordPiece tokenizer (Wu et al., 2016) of at most ``size`` pieces from sentences.

    Pieces that are seen fewer than ``min_frequency`` times are not made; single characters always are.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = [SPECIAL_TOKENS[name] for name in ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")]
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=min_frequency, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(sentences, trainer)
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ids)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL_TOKENS)
