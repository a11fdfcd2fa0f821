"""Small tokenizers of the kinds that checkpoints have, learnt from what the toy videos say."""

from __future__ import annotations

import json

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AlbertTokenizer,
    BertTokenizer,
    MPNetTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from tests.toys.work_folder import NOUNS, VERBS

SAID = [f"{verb} the {noun}" for verb in VERBS for noun in NOUNS]
BRACKETS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ANGLES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WORDS = ["the", *VERBS, *NOUNS]


def wordpiece() -> PreTrainedTokenizerBase:
    """WordPiece, as BERT, mBERT, ELECTRA and DistilBERT have it; it knows ##ing."""
    return BertTokenizer(vocab=_numbered([*BRACKETS, *WORDS, "##ing"]))


def mpnet_wordpiece() -> PreTrainedTokenizerBase:
    """WordPiece with the signs of byte-level BPE; [UNK] keeps its name."""
    signs = [*ANGLES[:3], "[UNK]"]
    return MPNetTokenizer(vocab=_numbered([*signs, *WORDS, "##ing", "<mask>"]))


def byte_bpe() -> PreTrainedTokenizerBase:
    """Byte-level BPE, as RoBERTa has it."""
    vocab, merges = _byte_pairs(ANGLES)
    return RobertaTokenizer(vocab=vocab, merges=merges)


def bracketed_byte_bpe() -> PreTrainedTokenizerBase:
    """Byte-level BPE with the signs of WordPiece, as ModernBERT has it."""
    vocab, merges = _byte_pairs(BRACKETS)
    pairs = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    pairs.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=pairs, **dict(zip(names, BRACKETS, strict=True))
    )


def sentencepiece() -> PreTrainedTokenizerBase:
    """A Unigram model of SentencePiece, as XLM-R has it."""
    return XLMRobertaTokenizer(vocab=_unigrams(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"]))


def bracketed_sentencepiece() -> PreTrainedTokenizerBase:
    """A Unigram model with the signs of WordPiece, as ALBERT has it."""
    return AlbertTokenizer(vocab=_unigrams(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], []))


def _numbered(pieces: list[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(pieces)}


def _byte_pairs(signs: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Join the bytes of words, with the space before them, until each word is one piece."""
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        special_tokens=signs, initial_alphabet=sorted(alphabet), show_progress=False
    )
    pairs.train_from_iterator(SAID, trainer)
    model = json.loads(pairs.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _unigrams(first: list[str], last: list[str]) -> list[tuple[str, float]]:
    """Score words above letters, so that what is known is one piece."""
    letters = sorted({letter for said in SAID for letter in said} - {" "})
    scored = [*((sign, 0.0) for sign in first), *((f"▁{word}", -3.0) for word in WORDS)]
    scored += [("▁", -4.0), ("ing", -4.0), *((letter, -8.0) for letter in letters)]
    return [*scored, *((sign, 0.0) for sign in last)]
