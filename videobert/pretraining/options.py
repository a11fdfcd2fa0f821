"""The options of pre-training; docs/recipe.md gives the reasons where the paper leaves it open."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from videobert.learning.choices import ADAMW, OPTIMIZERS, TRACKERS, refuse_unknown_choice
from videobert.learning.schedule import SHORTEST, SMALLEST, Phase
from videobert.model_sizes import BERT, ELECTRA, FAMILIES, SIZES
from videobert.orders import IN_ORDERS, MASKED, OBJECTIVES, REPLACED
from workfolder.errors import InputError
from workfolder.options import Options, option

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
CENTROIDS, PROFILES, RANDOM = VISUAL_STARTS = ("centroids", "profiles", "random")
USUAL_LENGTH = 128
LEAST_WITH_REPLAY = 2 * SMALLEST
PIECES, WORDS, RUNS, SPANS = MASKINGS = ("pieces", "words", "runs", "spans")
PHRASES = "phrases"
START, READ, ASKED = "Where it begins", "What is read", "What is asked"
"""Headings of the help text."""
TRUNCATIONS = ("head", "tail", "head+tail")


@dataclass(frozen=True)
class PretrainOptions(Options):
    """How a model learns."""

    panel: ClassVar[str] = "Learning"

    init: str = option(
        "bert-base-uncased",
        "A checkpoint that fills masks (BERT, RoBERTa, ...), by its name or folder; a VideoBERT's "
        "folder, which learns on; or none for random weights.",
        panel=START,
    )
    size: str = option(
        "base", "Size of the model where --init is none.", choices=SIZES, panel=START
    )
    family: str = option(
        BERT, "Family of the model where --init is none.", choices=FAMILIES, panel=START
    )
    visual_start: str = option(
        CENTROIDS,
        "First embeddings of visual words: centroids; what is said over them (profiles); or "
        "random. A VideoBERT has its own.",
        choices=VISUAL_STARTS,
        panel=START,
    )
    freeze_embeddings: bool = option(
        False, "Do not train the embeddings of words and visual words.", panel=START
    )
    train: str = option(
        "all",
        "Weights that learn: all, top:N (the last N layers and the heads), or norms (LayerNorm).",
        panel=START,
    )
    max_length: int | None = option(
        None,
        "Tokens in a sequence at most.",
        least=SHORTEST,
        shown=f"{USUAL_LENGTH}, or what --init reads if that is less",
        panel=READ,
    )
    text_weight: float = option(
        1.0, "Relative share of text alone in a batch; 0 leaves it out.", least=0, panel=READ
    )
    video_weight: float = option(
        1.0, "Relative share of video alone in a batch; 0 leaves it out.", least=0, panel=READ
    )
    joint_weight: float = option(
        1.0, "Relative share of text with video in a batch; 0 leaves it out.", least=0, panel=READ
    )
    order_weight: float = option(
        0.0,
        "Relative share of two stretches, told apart by which comes first in their video; 0 leaves "
        "it out.",
        least=0,
        panel=READ,
    )
    join_probability: float = option(
        0.3, "Chance that a sentence is joined with the next.", least=0, most=1, panel=READ
    )
    longest_step: int = option(
        5, "Of visual words every n-th is kept, n drawn from 1 to this.", least=1, panel=READ
    )
    sample_words: float = option(
        0.0,
        "How far a clip's visual word strays, drawn anew each epoch from its nearest; 0: it stays.",
        least=0,
        panel=READ,
    )
    stream: bool = option(
        False, "Text alone goes on over the next sentences until it is full.", panel=READ
    )
    replay: str = option(
        "", "Work folder of earlier videos that are learnt from, too.", shown="none", panel=READ
    )
    replay_share: float = option(
        0.2, "Share of a batch that comes from --replay.", least=0, most=0.9, panel=READ
    )
    parallel: str = option(
        "",
        "Work folder of the same videos, told in another language.",
        shown="none",
        panel=READ,
    )
    negative_margin: float = option(
        30.0,
        "Seconds at least between sentence and clips of a mismatched pair of one video.",
        least=0,
        panel=READ,
    )
    truncation: str = option(
        "head", "What stays of text that is too long.", choices=TRUNCATIONS, panel=READ
    )
    validation_share: float = option(
        0.05,
        "Share of the videos that is kept apart to validate on.",
        least=0,
        most=0.5,
        panel=READ,
    )
    objective: str = option(
        MASKED,
        "How words are asked for: hidden in place; the last ones of a drawn order (permutation); "
        "each after those before it (causal); or all, whether a second, small model replaced them.",
        choices=OBJECTIVES,
        panel=ASKED,
    )
    masked_share: float = option(
        0.15, "Share of the words and visual words that is hidden.", least=0, most=1, panel=ASKED
    )
    masking: str = option(
        PIECES,
        "What is hidden as a whole: pieces; words; runs of one visual word; spans of words or "
        "clips; or phrases:FILE, a phrase a line.",
        offered=(*MASKINGS, f"{PHRASES}:"),
        panel=ASKED,
    )
    mask_token: str = option(
        "", "What stands in the place of a hidden word.", shown="the tokenizer's", panel=ASKED
    )
    joint_masking: bool = option(
        True, "Ask for no hidden word where text and video stand together.", panel=ASKED
    )
    boundary: bool = option(
        False,
        "Ask for a hidden word from what stands on either side of its span, too.",
        panel=ASKED,
    )
    alignment_weight: float = option(
        1.0,
        "Weight of telling whether text and video belong together; 0: no pair is mismatched.",
        least=0,
        panel=ASKED,
    )
    batch_size: int = option(128, "Sequences in an update.", least=SMALLEST)
    steps: int = option(500_000, "Updates of the weights.", least=1)
    phases: str = option(
        "",
        "LENGTH:BATCH:STEPS,... instead of --max-length, --batch-size and --steps; each warms up. "
        "With :LAYERS after each, the model is stacked on itself where they double.",
        shown="none",
    )
    optimizer: str = option(
        ADAMW, "How gradients change weights; lamb suits large batches.", choices=OPTIMIZERS
    )
    learning_rate: float = option(1e-5, "Highest rate.", least=0)
    schedule: str = option("linear", "How the rate changes over a phase.", choices=SCHEDULES)
    warmup: float = option(
        0.01, "Share of a phase's steps in which the rate rises.", least=0, most=1
    )
    layer_decay: float = option(
        1.0, "Each layer's rate over that of the layer above it; 1: all alike.", least=0, most=1
    )
    weight_decay: float = option(
        0.01, "Weight decay of matrices; biases and LayerNorm have none.", least=0
    )
    dropout: float = option(
        0.1,
        "Share dropped of hidden states and attention; 0 suits small data.",
        least=0,
        most=0.9,
    )
    accumulate: int = option(1, "Parts that a batch is computed in, to save memory.", least=1)
    precision: str = option(
        "fp32", "Numbers to compute in; bf16 keeps the weights in fp32.", choices=PRECISIONS
    )
    validate_every: int = option(500, "Steps between validations.", least=1)
    checkpoint_every: int = option(500, "Steps between checkpoints.", least=1)
    tracker: str | None = option(
        None,
        "A service that is told how the run goes, beside TensorBoard.",
        choices=TRACKERS,
        shown="TensorBoard alone",
    )
    seed: int = option(0, "Seed of all random choices.", least=0)

    def __post_init__(self) -> None:
        """Raise InputError for what no run can have."""
        super().__post_init__()
        if not (self.text_weight or self.video_weight or self.joint_weight):
            raise InputError(
                "every regime has a weight of 0: "
                "give --text-weight, --video-weight or --joint-weight"
            )
        if self.masking not in MASKINGS and not self.phrases_file:
            raise InputError(
                f"--masking {self.masking!r} will not do: give {', '.join(MASKINGS)} or "
                f"{PHRASES}:FILE"
            )
        if self.objective == REPLACED:
            self._check_replaced()
        if self.objective in IN_ORDERS and (self.boundary or self.masking != PIECES):
            raise InputError(
                f"--objective {self.objective} hides nothing: leave out --masking and --boundary, "
                f"or give --objective {MASKED}"
            )
        if self.replay and min(phase.batch_size for phase in self.plan) < LEAST_WITH_REPLAY:
            raise InputError(
                f"--replay shares a batch, so give --batch-size {LEAST_WITH_REPLAY} or more"
            )
        if self.parallel and (self.objective in IN_ORDERS or self.sample_words):
            raise InputError(
                "--parallel counts positions anew and reads words as they stand: leave out "
                f"--objective {' and '.join(IN_ORDERS)} and --sample-words"
            )
        refuse_unknown_choice(self.train)
        _ = self.plan

    def _check_replaced(self) -> None:
        if (self.init, self.family) != ("none", ELECTRA):
            raise InputError(
                f"--objective {REPLACED} trains two networks that share their embeddings: give "
                f"--init none --family {ELECTRA}"
            )
        if self.boundary or self.order_weight or any(phase.layers for phase in self.plan):
            raise InputError(
                f"--objective {REPLACED} goes without --boundary, --order-weight and layers in "
                "--phases: leave them out"
            )

    def noted(self) -> dict[str, Any]:
        """Return what a model's folder remembers of them.

        What is as it was before there were other values is left out, as in models of before, and so
        is the tracker, which changes nothing.
        """
        before = {"family": BERT, "order_weight": 0.0, "parallel": "", "tracker": None}
        noted = asdict(replace(self, tracker=None)).items()
        return {name: its for name, its in noted if name not in before or its != before[name]}

    @property
    def phrases_file(self) -> Path | None:
        """The file of ``--masking phrases:FILE``."""
        kind, _, name = self.masking.partition(":")
        return Path(name) if kind == PHRASES and name else None

    @property
    def plan(self) -> tuple[Phase, ...]:
        """The phases, at least one; InputError if they cannot be read."""
        if not self.phases:
            return (Phase(self.max_length or USUAL_LENGTH, self.batch_size, self.steps),)
        one = r"\d+:\d+:\d+(:\d+)?"
        if not re.fullmatch(f"{one}(,{one})*", self.phases):
            raise InputError(
                f"--phases {self.phases!r} is not LENGTH:BATCH:STEPS,...: "
                "write 128:256:9000,512:32:1000"
            )
        try:
            plan = tuple(Phase(*map(int, phase.split(":"))) for phase in self.phases.split(","))
        except InputError as error:
            raise InputError(f"--phases {self.phases!r}: {error}") from error
        depths = [phase.layers for phase in plan]
        if any(after not in (own, own and 2 * own) for own, after in pairwise(depths)):
            raise InputError(
                f"--phases {self.phases!r}: layers must stay or double from phase to phase, and "
                "stand in each or in none"
            )
        return plan

    @property
    def total_steps(self) -> int:
        """Updates of all phases."""
        return sum(phase.steps for phase in self.plan)
