"""What is run, in which order, and what is kept of it: one JSON for each part of each model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.real_kitchens.ahead import forecast
from benchmarks.real_kitchens.corpus import CHOICE, COOKS, FOLDS, RECORDINGS, Fold, Kitchens
from benchmarks.real_kitchens.learning import Variant, codebook, model, text_start
from benchmarks.real_kitchens.pairs import locate, retrieve
from benchmarks.real_kitchens.questions import ask, without_model
from tokenization.options import ALL
from workfolder.files import read_json, write_json

SEEDS = (0, 1, 2)
MAIN = Variant("main")
NO_TEXT = Variant("no_text_first", text_first=False)
TRIED = (
    Variant("main"),
    Variant("no_text_first", text_first=False),
    Variant("1728_words", depth=3),
    Variant("432_words", branching=432, depth=1),
    Variant("mean_of_all", centre=ALL),
    Variant("stride_2", stride=2),
    Variant("stride_4", stride=4),
    Variant("runs_as_one", runs=True),
    Variant("residual", kind="residual"),
    Variant("no_joint_masking", options=(("joint_masking", False),)),
    Variant("no_subsampling", options=(("longest_step", 1),)),
    Variant("joining", options=(("join_probability", 0.3),)),
)
"""What is tried on a part of the recordings called ``train``."""
EVERYTHING = ("actions", "retrieval", "places", "forecasts")


@dataclass(frozen=True)
class Job:
    """A model, and what it is asked.

    Attributes:
        fold: What it learns from.
        variant: How.
        seed: Of its draws.
        parts: What it is asked.
    """

    fold: Fold
    variant: Variant
    seed: int
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Everything that is run, kept below ``kitchens.out``.

    Attributes:
        kitchens: The recordings.
        annotations: The folder with the narrations.
        updates: Of each model.
        text_updates: Of each model of text alone.
        seeds: Of the models.
        folds: How many folds of each way are run.
        tried: What is tried beside.
    """

    kitchens: Kitchens
    annotations: Path
    updates: int
    text_updates: int
    seeds: tuple[int, ...] = SEEDS
    folds: int = FOLDS
    tried: tuple[Variant, ...] = TRIED

    def figures(self, name: str, make: Callable[[], Any]) -> Any:
        """Read the figures of a name; ``make`` finds missing ones."""
        path = self.path(name)
        if not path.exists():
            print(name, flush=True)
            write_json(make(), path)
        return read_json(path)

    def path(self, name: str) -> Path:
        """Say where the figures of a name are kept."""
        return self.kitchens.out / "figures" / f"{name}.json"

    def fold(self, way: str, number: int) -> Fold:
        """Give a fold; the same one each time, as it keeps what it has read."""
        return self._folds.setdefault((way, number), Fold(self.kitchens, way, number))

    @cached_property
    def _folds(self) -> dict[tuple[str, int], Fold]:
        return {}

    @property
    def jobs(self) -> Iterator[Job]:
        """List all models, those first that the page needs most."""
        for seed in self.seeds:
            for number in range(self.folds):
                yield Job(self.fold(RECORDINGS, number), MAIN, seed, EVERYTHING)
            for number in range(self.folds):
                yield Job(self.fold(COOKS, number), MAIN, seed, ("actions",))
        for variant in self.tried:
            for seed in self.seeds:
                yield Job(self.fold(CHOICE, seed), variant, seed, ("actions",))
        for seed in self.seeds:
            for number in range(self.folds):
                yield Job(self.fold(RECORDINGS, number), NO_TEXT, seed, ("actions",))

    def start(self, seed: int) -> Path:
        """Find the model of text alone of a seed."""
        return text_start(self.annotations, self.kitchens.out, seed, self.text_updates)

    def run(self, job: Job) -> None:
        """Train the model of a job if it has not answered everything yet, and ask it."""
        names = {part: job_name(part, job.fold, job.variant, job.seed) for part in job.parts}
        missing = [part for part in job.parts if not self.path(names[part]).exists()]
        if not missing:
            return
        self.without_model(job.fold, job.variant)
        updates = self.updates
        trained, clips = model(job.fold, job.variant, job.seed, updates, self.start)
        asked: dict[str, Callable[[], Any]] = {
            "actions": lambda: ask(trained, job.fold, clips, job.variant),
            "retrieval": lambda: retrieve(trained, job.fold, clips, job.variant),
            "places": lambda: locate(trained, job.fold, clips, job.variant),
            "forecasts": lambda: forecast(trained, job.fold, clips),
        }
        for part in missing:
            self.figures(names[part], asked[part])

    def without_model(self, fold: Fold, variant: Variant) -> Any:
        """Find what needs no model, with the words of a variant's codebook."""

        def make() -> Any:
            _, words = codebook(fold, variant)
            return without_model(fold, {"probe_of_words": fold.clips(words)})

        return self.figures(f"without-{fold.name}-{variant.codebook}", make)


def job_name(part: str, fold: Fold, variant: Variant, seed: int) -> str:
    """Name the figures of a part."""
    return f"{part}-{fold.name}-{variant.name}-{seed}"
