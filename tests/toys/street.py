"""Four short videos taken through every stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.toys.videos import coloured_recipe

RECIPES = ("red green", "blue yellow red", "green blue", "yellow red green")
TRAINING = (
    "--init none --size tiny --steps 40 --batch-size 12 --learning-rate 2e-3 --max-length 48"
).split()
"""The pre-training of the street, as a user would type it."""


@dataclass(frozen=True)
class Street:
    """A folder of videos, and what every stage made of it."""

    videos: Path
    work: Path
    model: Path


def make_street(folder: Path) -> Street:
    """Write the videos and run every stage on them."""
    from feature_extraction.features import FeatureOptions
    from tokenization.codebook import ClusterOptions
    from videobert.pipeline import RunOptions, run
    from videobert.pretraining.options import PretrainOptions

    street = Street(folder / "videos", folder / "work", folder / "model")
    for number, recipe in enumerate(RECIPES):
        coloured_recipe(street.videos / f"recipe_{number}.mp4", recipe.split())
    options = RunOptions(
        features=FeatureOptions("random:0"),
        codebook=ClusterOptions(branching=3, depth=2),
        pretraining=PretrainOptions(
            init="none", size="tiny", steps=40, batch_size=12, learning_rate=2e-3, max_length=48
        ),
    )
    reports = list(run([street.videos], street.work, street.model, options))
    assert all(report.complete and report.now for report in reports)
    return street
