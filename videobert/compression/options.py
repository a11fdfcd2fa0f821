"""The choices by which a model is made smaller. No torch here: ``--help`` does not wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from videobert.learning.schedule import SMALLEST
from videobert.pretraining.options import PRECISIONS
from workfolder.errors import InputError
from workfolder.options import Options, option

SMALLER = "What is made smaller"


@dataclass(frozen=True)
class CompressOptions(Options):
    """How a model is made smaller.

    What the student reads, its dropout and its seed are those of the model's pre-training.
    """

    panel: ClassVar[str] = "Learning from the model"

    layers: int | None = option(None, "Layers that stay.", least=1, panel=SMALLER, shown="all")
    steps: int = option(10_000, "Updates of the smaller network.", least=1)
    batch_size: int = option(128, "Sequences in an update.", least=SMALLEST)
    accumulate: int = option(1, "Parts that a batch is computed in, to save memory.", least=1)
    learning_rate: float = option(1e-4, "Peak; it rises first, then falls to 0.", least=0)
    warmup: float = option(0.05, "Share of the steps in which the rate rises.", least=0, most=1)
    precision: str = option(
        "fp32", "Numbers to compute in; bf16 keeps the weights in fp32.", choices=PRECISIONS
    )
    validate_every: int = option(500, "Steps between validations.", least=1)
    checkpoint_every: int = option(500, "Steps between checkpoints.", least=1)

    def __post_init__(self) -> None:
        """Raise InputError where nothing is to be made smaller."""
        super().__post_init__()
        if self.layers is None:
            raise InputError("nothing is to be made smaller: give --layers")
