"""One vocabulary: the ids of a WordPiece tokenizer unchanged, then ``[>]``, then the visual words."""

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


def train_wordpiece(
    sentences: Sequence[str], size: int = 30_000, min_frequency: int = 2
) -> PreTrainedTokenizerFast:
    """Learn a lower-case WordPiece tokenizer (Wu et al., 2016) of at most ``size`` pieces from sentences.

    Pieces that are seen fewer than ``min_frequency`` times are not made; single characters always are. The same
    sentences give the same ids.
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
    """Pieces with their ids: special tokens, single characters, then what the trainer made of them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    # The trainer breaks ties by id, and numbers the characters in the random order of a hash map unless it is given
    # them first; so all characters are given, as if they were special.
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
