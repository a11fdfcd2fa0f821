"""The choices of a training run; docs/recipe.md gives the reason for each that the paper leaves open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PretrainOptions:
    """How a model learns.

    Attributes:
        init: a BERT checkpoint of transformers, a name or a path, or ``none`` for random weights and a WordPiece
            tokenizer of its own.
        size: tiny, mini, small, base or large; used where init is ``none``.
        dropout: of hidden states and attention; 0 learns several times faster where model and corpus are small.
        max_length: ids in a sequence at most; the checkpoint's limit where that is smaller.
        steps: updates of the weights.
        batch_size: sequences in an update.
        learning_rate: the peak, reached after ``warmup`` (a share of the steps), then falling to 0 on a line.
        weight_decay: AdamW's, not applied to biases and LayerNorm.
        text_weight, video_weight, joint_weight: how the batch is shared among the regimes.
        masked_share: how much of a sequence is hidden; little data learns faster from more.
        joint_masking: complete masks in aligned pairs, too.
        join_probability: how often a sentence takes its neighbour in.
        longest_step: visual words are subsampled by a step from 1 to this.
        negative_margin: seconds by which a misaligned pair must lie apart where both sides are of one video.
        precision: fp32, or bf16 for autocast.
        seed: decides every draw.
    """

    init: str = "bert-base-uncased"
    size: str = "base"
    dropout: float = 0.1
    max_length: int = 128
    steps: int = 500_000
    batch_size: int = 128
    learning_rate: float = 1e-5
    warmup: float = 0.01
    weight_decay: float = 0.01
    text_weight: float = 1.0
    video_weight: float = 1.0
    joint_weight: float = 1.0
    masked_share: float = 0.15
    joint_masking: bool = True
    join_probability: float = 0.3
    longest_step: int = 5
    negative_margin: float = 30.0
    precision: str = "fp32"
    seed: int = 0
