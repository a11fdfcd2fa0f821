"""The choices by which a captioner learns.

The numbers are those of PAPER.md, from VideoBERT, section 4.6, marked U there (remembered, found
in no text at hand): 2 layers, 128 wide, dropout 0.4, Adam at 1e-3, batches of 128, 40,000 steps,
and a rate that falls linearly to 0. The paper chooses by cross validation. Here a slice of the
videos is kept apart, and the weights of the step that spells its captions best are kept. Learning
stops once nothing better has come for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from videobert.model_sizes import HEAD_WIDTH
from workfolder.errors import InputError
from workfolder.options import Options, option

VISUAL, MASKED, S3D = "visual", "masked", "s3d"
"""Parts of a segment's features: hidden states at the visual words, hidden states at the masked
words, and the backbone's own features."""
FEATURES = {
    "s3d": (S3D,),
    "video": (VISUAL,),
    "videobert": (VISUAL, MASKED),
    "videobert+s3d": (VISUAL, MASKED, S3D),
}
"""The rows of the paper's Table 3, and the parts that each of them reads. With ``video`` the model
sees no template."""


@dataclass(frozen=True)
class BeamOptions(Options):
    """How a caption is searched for."""

    beam: int = option(4, "Captions kept while searching; 1 is greedy.", least=1, most=64)


@dataclass(frozen=True)
class CaptionOptions(Options):
    """How a captioner learns."""

    panel: ClassVar[str] = "Learning"

    features: str = option("videobert+s3d", "What it reads.", choices=FEATURES)
    layers: int = option(2, "Layers of the encoder, and of the decoder.", least=1, most=48)
    width: int = option(
        128,
        f"Numbers that stand for a token; a multiple of {HEAD_WIDTH}.",
        least=HEAD_WIDTH,
        most=4096,
    )
    dropout: float = option(
        0.4, "Share dropped of embeddings and of what each layer adds.", least=0, most=0.9
    )
    longest: int = option(40, "Word pieces of a caption at most.", least=2, most=512)
    learning_rate: float = option(1e-3, "Adam's rate at the start; it falls to 0.", least=0, most=1)
    batch_size: int = option(128, "Segments in an update.", least=1, most=10**6)
    steps: int = option(40_000, "Updates at most.", least=1, most=10**9)
    validation_share: float = option(
        0.1,
        "Share of the videos kept apart to choose the best step; 0: the last step is kept.",
        least=0,
        most=0.5,
    )
    validate_every: int = option(200, "Steps between validations.", least=1, most=10**9)
    patience: int = option(
        10, "Validations without a better loss before it stops.", least=1, most=10**9
    )
    seed: int = option(0, "Seed of all random choices.", least=0, most=2**32 - 1)

    def __post_init__(self) -> None:
        """Raise InputError for a value that no run can have."""
        super().__post_init__()
        if self.width % HEAD_WIDTH:
            raise InputError(
                f"--width {self.width} will not do: give a multiple of {HEAD_WIDTH}, the width of "
                "a head"
            )
