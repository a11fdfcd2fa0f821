"""Small, untrained models with a real tokenizer and codebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from tests.toys.codebook import WORDS, codebook_with_a_dead_word, toy_codebook
from tokenization.vocabulary import train_wordpiece
from videobert.bank import Bank
from videobert.configuration_videobert import VideoBertConfig
from videobert.finetune.captions.captioner import TEMPLATE
from videobert.loading import TrainedModel
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.processing_videobert import VideoBertProcessor, with_joiner

CAPTIONS = (
    "cut the bread",
    "spread butter on the bread",
    "put the bread into the hot pan, and then wait",
    "flip it",
    "let's eat the bread with butter",
)
SENTENCES = ("chop the carrot", "boil the egg", "fry the onion", "wash the pan")


def toy_model(sentences: Sequence[str], seed: int = 0) -> TrainedModel:
    """Return a model whose words are those that ``sentences`` have often enough.

    It has the nine visual words of toy_codebook.
    """
    processor = VideoBertProcessor(with_joiner(train_wordpiece(sentences)), toy_codebook(seed))
    torch.manual_seed(seed)
    network = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", processor.vocabulary))
    return TrainedModel(network.eval(), processor)


def with_bank(model: TrainedModel, examples: int = 12, seed: int = 0) -> TrainedModel:
    """Return the model with a bank of drawn clips; every second is silent."""
    rng, processor = np.random.default_rng(seed), model.processor
    ids = processor.text_ids(SENTENCES)
    texts = [np.array(ids[row % len(ids)] if row % 2 else [], dtype=int) for row in range(examples)]
    visual = [rng.integers(processor.codebook.words, size=3) for _ in range(examples)]
    pieces = np.arange(processor.vocabulary.text_size)
    frames = ("we need to [MASK] the [MASK]", "just [MASK] the [MASK]")
    return replace(model, bank=Bank(texts, visual, pieces, frames))


def captioning_model() -> TrainedModel:
    """Return the toy model with a tokenizer of CAPTIONS and the template."""
    return toy_model([*CAPTIONS, TEMPLATE.replace("[MASK]", "")] * 2)


def make_processor() -> VideoBertProcessor:
    """Return a processor with eight visual words, one of them dead."""
    tokenizer = train_wordpiece(SENTENCES, size=200, min_frequency=1)
    return VideoBertProcessor(with_joiner(tokenizer), codebook_with_a_dead_word())


def living_words(processor: VideoBertProcessor) -> list[int]:
    """Return the visual words that some feature has."""
    tree = processor.codebook.tree
    return sorted(set(range(WORDS)) - set(tree.dead_words_.tolist()))
