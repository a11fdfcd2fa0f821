"""The options by which a punctuation restorer is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from videobert.pretraining.options import PRECISIONS
from workfolder.options import Options, option


@dataclass(frozen=True)
class PunctuationOptions(Options):
    """How a restorer learns.

    The same options, texts and number of threads give the same model on one machine.
    """

    panel: ClassVar[str] = "Learning"

    steps: int = option(2500, "Batches to learn from.", least=1)
    batch_size: int = option(32, "Windows in a batch.", least=1)
    learning_rate: float = option(
        1e-3, "Highest rate of AdamW; after the warm-up it falls to 0.", least=0
    )
    warmup: float = option(0.1, "Share of the steps in which the rate rises.", least=0, most=1)
    weight_decay: float = option(0.01, "Weight decay of AdamW; only matrices have it.", least=0)
    dropout: float = option(0.2, "Share dropped throughout the network.", least=0, most=0.9)
    forgotten: float = option(
        0.1,
        "Share of the known words that are read as their endings, so that endings are learnt.",
        least=0,
        most=1,
    )
    layers: int = option(4, "Layers of the BERT.", least=1)
    width: int = option(
        128, "Width of the BERT; its feed-forward layers are four times as wide.", least=1
    )
    heads: int = option(2, "Attention heads of the BERT.", least=1)
    window: int = option(63, "Words that are seen at a time.", least=1)
    vocabulary: int = option(6000, "Words at most that are known whole.", least=1)
    precision: str = option("bf16", "bf16 has fp32 master weights.", choices=PRECISIONS)
    checkpoint_every: int = option(500, "Steps between checkpoints.", least=1)
    seed: int = option(0, "Seed of all random choices.", least=0)
