"""The choices by which a captioner learns.

The numbers are those that PAPER.md has of VideoBERT, section 4.6, marked U there (remembered, found in no text at hand): 2
layers, 128 wide, dropout 0.4, Adam at 1e-3, batches of 128, 40,000 steps; and, U as well, a rate that falls linearly to 0.
The paper chooses by cross validation. Here a slice of the videos is kept apart, and the weights of the step that spells its
captions best are kept; learning stops once nothing better has come for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

from workfolder.errors import InputError, refuse_unknown
from workfolder.options import refuse_out_of_range

VISUAL, MASKED, S3D = "visual", "masked", "s3d"
"""Parts of a segment's features: hidden states at the visual words, at the masked words; the backbone's own features."""
FEATURES = {
    "s3d": (S3D,),
    "video": (VISUAL,),
    "videobert": (VISUAL, MASKED),
    "videobert+s3d": (VISUAL, MASKED, S3D),
}
"""The rows of the paper's Table 3, and the parts that each of them reads. With ``video`` the model sees no template."""
HEAD_WIDTH = 64
"""Width of one attention head, as in BERT."""


@dataclass(frozen=True)
class CaptionOptions:
    """How a captioner learns. Each line below is also the help of the option of that name.

    Attributes:
        features: What it reads: s3d, video, videobert or videobert+s3d.
        layers: Layers of the encoder, and of the decoder.
        width: Numbers that a token is in them; a multiple of 64.
        dropout: Share dropped of embeddings and of what each layer adds, 0 to 0.9.
        longest: Word pieces of a caption at most.
        learning_rate: Adam's rate at the start; it falls to 0.
        batch_size: Segments in an update.
        steps: Updates at most.
        validation_share: Share of the videos kept apart to choose the best step, 0 to 0.5; 0: the last step is kept.
        validate_every: Steps between validations.
        patience: Validations without a better loss before it stops.
        seed: Seed of all random choices.
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
        refuse_out_of_range(self, _RANGES)
        if self.width % HEAD_WIDTH:
            raise InputError(
                f"--width {self.width} will not do: give a multiple of {HEAD_WIDTH}, the width of a head"
            )


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
