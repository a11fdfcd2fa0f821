"""The choices of a training run; docs/recipe.md gives the reason for each that the paper leaves open."""

from __future__ import annotations

import re
from dataclasses import dataclass

from videobert.learning.phase import Phase
from workfolder.errors import InputError, refuse_unknown
from workfolder.options import NO_LIMIT, refuse_out_of_range

PRECISIONS = ("fp32", "bf16")
SCHEDULES = (
    "constant",
    "constant_with_warmup",
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
)
"""As transformers names them."""
VISUAL_STARTS = ("centroids", "random")
TRUNCATIONS = ("head", "tail", "head+tail")


@dataclass(frozen=True)
class PretrainOptions:
    """How a model learns. Each line below is also the help of the option of that name.

    Attributes:
        init: A BERT checkpoint: its name, its folder, or none for random weights.
        size: tiny, mini, small, base or large; where --init is none.
        visual_start: First embeddings of the visual words: centroids or random.
        freeze_embeddings: Do not train the embeddings of words and visual words.
        dropout: Share dropped of hidden states and attention, 0 to 0.9; 0 suits small data.
        max_length: Tokens in a sequence at most.
        batch_size: Sequences in an update.
        steps: Updates of the weights.
        phases: LENGTH:BATCH:STEPS,... instead of --max-length, --batch-size and --steps; each warms up.
        text_weight: Relative share of text alone in a batch; 0 leaves it out.
        video_weight: Relative share of video alone in a batch; 0 leaves it out.
        joint_weight: Relative share of text with video in a batch; 0 leaves it out.
        masked_share: Share of the words and visual words that is hidden, 0 to 1.
        whole_words: Hide whole words, not single pieces of them.
        joint_masking: False: Ask for no hidden word where text and video stand together.
        join_probability: Chance that a sentence is joined with the next, 0 to 1.
        longest_step: Of visual words every n-th is kept, n drawn from 1 to this.
        negative_margin: Seconds at least between sentence and clips of a mismatched pair of one video.
        truncation: What stays of text that is too long: head, tail or head+tail.
        learning_rate: Highest rate of AdamW.
        schedule: constant, constant_with_warmup, linear, cosine, cosine_with_restarts or polynomial.
        warmup: Share of a phase's steps in which the rate rises, 0 to 1.
        layer_decay: Each layer's rate over that of the layer above it, 0 to 1; 1: all alike.
        weight_decay: AdamW's; not of biases and LayerNorm.
        accumulate: Parts that a batch is computed in, to save memory.
        precision: fp32, or bf16 with fp32 master weights.
        validation_share: Share of the videos that is kept apart to validate on, 0 to 0.5.
        validate_every: Steps between validations.
        checkpoint_every: Steps between checkpoints.
        seed: Seed of all random choices.
    """

    init: str = "bert-base-uncased"
    size: str = "base"
    visual_start: str = "centroids"
    freeze_embeddings: bool = False
    dropout: float = 0.1
    max_length: int = 128
    batch_size: int = 128
    steps: int = 500_000
    phases: str = ""
    text_weight: float = 1.0
    video_weight: float = 1.0
    joint_weight: float = 1.0
    masked_share: float = 0.15
    whole_words: bool = False
    joint_masking: bool = True
    join_probability: float = 0.3
    longest_step: int = 5
    negative_margin: float = 30.0
    truncation: str = "head"
    learning_rate: float = 1e-5
    schedule: str = "linear"
    warmup: float = 0.01
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    accumulate: int = 1
    precision: str = "fp32"
    validation_share: float = 0.05
    validate_every: int = 500
    checkpoint_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        """InputError for a value that no run can have."""
        known = {
            "precision": PRECISIONS,
            "schedule": SCHEDULES,
            "visual_start": VISUAL_STARTS,
            "truncation": TRUNCATIONS,
        }
        for name, choices in known.items():
            refuse_unknown(f"--{name.replace('_', '-')}", getattr(self, name), choices)
        refuse_out_of_range(self, _RANGES)
        if not (self.text_weight or self.video_weight or self.joint_weight):
            raise InputError(
                "every regime has a weight of 0: give --text-weight, --video-weight or --joint-weight"
            )
        if (
            min(phase.max_length for phase in self.plan) < 8
            or min(phase.batch_size for phase in self.plan) < 2
        ):
            raise InputError(
                "a phase has sequences of 8 ids or more, and 2 of them or more in a batch: change --phases"
            )

    @property
    def plan(self) -> tuple[Phase, ...]:
        """The phases, one at least. InputError if they cannot be read."""
        if not self.phases:
            return (Phase(self.max_length, self.batch_size, self.steps),)
        if not re.fullmatch(r"(\d+:\d+:[1-9]\d*)(,\d+:\d+:[1-9]\d*)*", self.phases):
            raise InputError(
                f"--phases {self.phases!r} is not LENGTH:BATCH:STEPS,...: write 128:256:9000,512:32:1000"
            )
        return tuple(Phase(*map(int, phase.split(":"))) for phase in self.phases.split(","))

    @property
    def total_steps(self) -> int:
        """Updates of all phases."""
        return sum(phase.steps for phase in self.plan)


_RANGES = {
    "dropout": (0.0, 0.9),
    "max_length": (8, NO_LIMIT),
    "batch_size": (2, NO_LIMIT),
    "steps": (1, NO_LIMIT),
    "text_weight": (0.0, NO_LIMIT),
    "video_weight": (0.0, NO_LIMIT),
    "joint_weight": (0.0, NO_LIMIT),
    "masked_share": (0.0, 1.0),
    "join_probability": (0.0, 1.0),
    "longest_step": (1, NO_LIMIT),
    "negative_margin": (0.0, NO_LIMIT),
    "learning_rate": (0.0, NO_LIMIT),
    "warmup": (0.0, 1.0),
    "layer_decay": (0.0, 1.0),
    "weight_decay": (0.0, NO_LIMIT),
    "accumulate": (1, NO_LIMIT),
    "validation_share": (0.0, 0.5),
    "validate_every": (1, NO_LIMIT),
    "checkpoint_every": (1, NO_LIMIT),
    "seed": (0, NO_LIMIT),
}
