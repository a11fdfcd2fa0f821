"""The choices by which a captioner learns.

The numbers are those that PAPER.md has of VideoBERT, section 4.6, marked U there (remembered, found in no text at hand): 2
layers, 128 wide, dropout 0.4, Adam at 1e-3, batches of 128, 40,000 steps; and, U as well, a rate that falls linearly to 0.
The paper chooses by cross validation. Here a slice of the videos is kept apart, and the weights of the step that spells its
captions best are kept; learning stops once nothing better has come for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

from feature_extraction.errors import InputError, refuse_unknown
from videobert.tasks.caption_network import HEAD_WIDTH
from videobert.tasks.captioning import FEATURES


@dataclass(frozen=True)
class CaptionOptions:
    """How a captioner learns.

    Attributes:
        features: what it reads of a segment, one of FEATURES.
        layers, width: of its encoder and its decoder.
        dropout: of embeddings and of what each layer adds.
        longest: pieces of a caption at most.
        learning_rate: Adam's first one, which falls linearly to 0.
        batch_size: segments in an update.
        steps: updates at most.
        validation_share: share of the videos that is kept apart to choose the best step by; 0 keeps the last.
        validate_every: steps between two looks at them.
        patience: looks without a better one after which it stops.
        seed: decides every draw.
    """

    features: str = "videobert+s3d"
    layers: int = 2
    width: int = 128
    dropout: float = 0.4
    longest: int = 40
    learning_rate: float = 1e-3
    batch_size: int = 128
    steps: int = 40_000
    validation_share: float = 0.1
    validate_every: int = 200
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        """InputError for a value that no run can have."""
        refuse_unknown("--features", self.features, FEATURES)
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"--{name.replace('_', '-')} {getattr(self, name):g} will not do: give {least:g} to {most:g}")
        if self.width % HEAD_WIDTH:
            raise InputError(f"--width {self.width} will not do: give a multiple of {HEAD_WIDTH}, the width of a head")


_RANGES = {
    "layers": (1, 48),
    "width": (HEAD_WIDTH, 4096),
    "dropout": (0, 0.9),
    "longest": (2, 512),
    "learning_rate": (0, 1),
    "batch_size": (1, 1e6),
    "steps": (1, 1e9),
    "validation_share": (0, 0.5),
    "validate_every": (1, 1e9),
    "patience": (1, 1e9),
    "seed": (0, 2**32 - 1),
}
