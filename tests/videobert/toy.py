"""A small, untrained model with a real tokenizer and codebook: enough to test what is asked of it."""

from __future__ import annotations

import numpy as np
import torch

from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES
from tokenization.vocabulary import train_wordpiece
from videobert.configuration_videobert import VideoBertConfig
from videobert.loading import TrainedModel
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.processing_videobert import VideoBertProcessor, with_joiner

WIDTH = 8
MADE_WITH = {"made": "up"}


def toy_model(sentences: list[str], seed: int = 0) -> TrainedModel:
    """A model whose words are those that ``sentences`` have often enough, with nine visual words."""
    codebook = toy_codebook(seed)
    tokenizer = with_joiner(train_wordpiece(sentences))
    processor = VideoBertProcessor(tokenizer, codebook)
    torch.manual_seed(seed)
    network = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", processor.vocabulary))
    return TrainedModel(network.eval(), processor)


def toy_codebook(seed: int = 0) -> Codebook:
    features = np.random.default_rng(seed).normal(size=(90, WIDTH)).astype(np.float32)
    return Codebook(
        HierarchicalKMeans(3, 2).fit(features), {"features": MADE_WITH}, PICTURES.empty_table()
    )
