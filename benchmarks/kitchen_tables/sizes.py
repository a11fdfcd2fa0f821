"""How much of everything, and the options that are the demo's and not chosen here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from demos.kitchen.style import BRISK, CALM, Style
from feature_extraction.options import FeatureOptions
from tokenization.options import FLAT, TREE

WEIGHTS = "random:0"
LARGEST = 1000
PRETRAINING: dict[str, Any] = {
    "init": "none",
    "size": "tiny",
    "batch_size": 48,
    "learning_rate": 1e-3,
    "max_length": 64,
    "dropout": 0.0,
    "masked_share": 0.3,
    "joint_weight": 10.0,
    "join_probability": 0.1,
    "validation_share": 0.0,  # a slice of its own is kept apart, see corpus
}
"""Those of demos.street, found on the kitchen of seed 0, so not on the videos held out here."""


@dataclass(frozen=True)
class Sizes:
    """The counts of a run.

    Attributes:
        training: Numbers of training videos, ascending; the first 25 are among the first 100.
        main: The number whose model answers everything; the codebook is fitted on its videos.
        ablated: The number on which choices are left out.
        validation: Videos of the slice to choose on.
        held_out: Videos of each held-out split.
        steps: Least and most steps of a recipe.
        branching: Children of a node of the visual vocabulary's tree.
        depth: Its levels.
        components: Principal components that are clustered.
        epochs: What the length of pre-training is chosen from.
        seeds: Of the models that are compared with one choice left out.
        caption_steps: Updates of a captioner at most.
        caption_look: Updates between two looks at its own slice.
        asked: Words to forecast at each distance, at most.
    """

    training: tuple[int, ...] = (25, 100, 400)
    main: int = 400
    ablated: int = 100
    validation: int = 30
    held_out: int = 50
    steps: tuple[int, int] = (3, 5)
    branching: int = 12
    depth: int = 2
    components: int = 48
    epochs: tuple[int, ...] = (40, 80, 160)
    seeds: tuple[int, ...] = (0, 1, 2)
    caption_steps: int = 3000
    caption_look: int = 100
    asked: int = 2000

    def with_largest(self) -> Sizes:
        """Add LARGEST to the numbers of training videos; all else stays, so a run can go on."""
        return replace(self, training=(*self.training, LARGEST))


@dataclass(frozen=True)
class Look:
    """How the kitchen is filmed and looked at.

    Attributes:
        style: of the films; Sizes says how many steps they have.
        features: the options of S3D.
        search: how the word of a clip is found.
    """

    style: Style = CALM
    features: FeatureOptions = field(default_factory=lambda: FeatureOptions(WEIGHTS))
    search: str = TREE


def small_look() -> Look:
    """Return a look that costs an eighth: the same recipes, filmed and looked at as in the demo."""
    style = replace(CALM, width=BRISK.width, fps=BRISK.fps)
    return Look(style, FeatureOptions(f"{WEIGHTS}:112", frames_per_second=6), FLAT)


TINY = Sizes(
    training=(4, 5, 6),
    main=6,
    ablated=5,
    validation=2,
    held_out=2,
    steps=(1, 2),
    branching=3,
    components=8,
    epochs=(1, 2),
    seeds=(0,),
    caption_steps=4,
    caption_look=2,
    asked=20,
)
"""Shows that it runs, not how well."""
