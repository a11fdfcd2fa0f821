"""The choices by which a model is made smaller. No torch here: ``--help`` does not wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from videobert.learning.schedule import SMALLEST
from videobert.pretraining.options import PRECISIONS
from workfolder.errors import InputError
from workfolder.options import Options, option

SMALLER = "What is made smaller"
DISTILLING, REPLACING = WAYS = ("distilling", "replacing")


@dataclass(frozen=True)
class CompressOptions(Options):
    """How a model is made smaller.

    What the student reads, its dropout and its seed are those of the model's pre-training.
    """

    panel: ClassVar[str] = "Learning from the model"

    layers: int | None = option(None, "Layers that stay.", least=1, panel=SMALLER, shown="all")
    heads: float | None = option(
        None,
        "Share of the attention heads that goes, those first that the loss hangs on least.",
        least=0,
        most=1,
        panel=SMALLER,
        shown="none",
    )
    embedding: int | None = option(
        None, "Width of the embeddings.", least=1, panel=SMALLER, shown="as they are"
    )
    share: bool = option(False, "Let all layers be one.", panel=SMALLER)
    int8: bool = option(
        False, "Write whole numbers of 8 bits; alone, it needs no --work.", panel=SMALLER
    )
    by: str = option(
        DISTILLING,
        "How it learns: what the model says (distilling), or with layers that stand in for the "
        "model's more and more often (replacing).",
        choices=WAYS,
    )
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
        if not (self.learns or self.int8):
            raise InputError(
                "nothing is to be made smaller: give --layers, --heads, --embedding, --share or "
                "--int8"
            )
        if self.by == REPLACING and self.layers is None:
            raise InputError("--by replacing replaces layers: give --layers, too")

    @property
    def learns(self) -> bool:
        """Whether the smaller network has to learn."""
        return self.share or {self.layers, self.heads, self.embedding} != {None}
