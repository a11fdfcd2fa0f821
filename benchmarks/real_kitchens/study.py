"""What is run, in which order, and what is kept of it: one JSON for each part of each model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.real_kitchens.ahead import forecast
from benchmarks.real_kitchens.by_sentences import name_by_sentences
from benchmarks.real_kitchens.captions import caption
from benchmarks.real_kitchens.corpus import CHOICE, COOKS, FOLDS, RECORDINGS, Fold, Kitchens
from benchmarks.real_kitchens.learning import Variant, codebook, model, text_start
from benchmarks.real_kitchens.pairs import locate, retrieve
from benchmarks.real_kitchens.questions import ask, without_model
from tokenization.options import ALL, FLAT
from workfolder.errors import InputError
from workfolder.files import exclusive_lock, read_json, write_json

SEEDS = (0, 1, 2)
MAIN = Variant("main")
TEXT_FIRST = Variant("text_first", text_first=True)
CHOSEN = Variant("432_words", branching=432, depth=1)
"""The best of what is tried."""
TRIED = (
    MAIN,
    TEXT_FIRST,
    Variant("1728_words", depth=3),
    CHOSEN,
    Variant("mean_of_all", centre=ALL),
    Variant("stride_2", stride=2),
    Variant("stride_4", stride=4),
    Variant("runs_as_one", runs=True),
    Variant("residual", kind="residual"),
    Variant("nearest_of_all_words", search=FLAT),
    Variant("hidden_runs", options=(("masking", "runs"),)),
    Variant("sampled_words", near=8, options=(("sample_words", 0.2),)),
    Variant("no_joint_masking", options=(("joint_masking", False),)),
    Variant("no_subsampling", options=(("longest_step", 1),)),
    Variant("joining", options=(("join_probability", 0.3),)),
)
"""What is tried on a part of the recordings called ``train``."""
BUSY = "another process is at it: start this one again when that has ended"
ACTIONS, CAPTIONS = ("actions",), ("captions",)
NAMING = (*ACTIONS, "sentences")
QUESTIONS = (*NAMING, "retrieval", "places", "forecasts")


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

    def name(self, part: str) -> str:
        """Name the figures of a part."""
        return job_name(part, self.fold, self.variant, self.seed)


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
        """Say where the figures of a name are kept: apart for each number of updates."""
        return self.kitchens.out / f"figures-{self.updates}" / f"{name}.json"

    def fold(self, way: str, number: int) -> Fold:
        """Give a fold; the same one each time, as it keeps what it has read."""
        return self._folds.setdefault((way, number), Fold(self.kitchens, way, number))

    @cached_property
    def _folds(self) -> dict[tuple[str, int], Fold]:
        return {}

    @property
    def jobs(self) -> Iterator[Job]:
        """List all models, those first that the page needs most."""
        numbers = range(self.folds)
        for variant, parts in ((MAIN, NAMING), (CHOSEN, NAMING), (MAIN, QUESTIONS)):
            for seed, number in product(self.seeds, numbers):
                yield Job(self.fold(RECORDINGS, number), variant, seed, parts)
        for variant, seed in product(self.tried, self.seeds):
            yield Job(self.fold(CHOICE, seed), variant, seed, NAMING)
        for way, variant, parts in (
            (RECORDINGS, MAIN, CAPTIONS),
            (COOKS, MAIN, ACTIONS),
            (RECORDINGS, TEXT_FIRST, ACTIONS),
        ):
            for seed, number in product(self.seeds, numbers):
                yield Job(self.fold(way, number), variant, seed, parts)

    def start(self, seed: int) -> Path:
        """Find the model of text alone of a seed."""
        with exclusive_lock(self._lock(f"text-{seed}"), BUSY):
            return text_start(self.annotations, self.kitchens.out, seed, self.text_updates)

    def run(self) -> None:
        """Find what needs no model, then do all jobs that no other process is at.

        Jobs that were passed over are looked at again until nothing is left to do.
        """
        for number in range(self.folds):
            self._alone(self.fold(RECORDINGS, number))
        busy = True
        while busy:
            busy = any([self._turn(job) for job in self.jobs])

    def _alone(self, fold: Fold) -> None:
        with self._held(fold) as mine:
            if mine:
                self.without_model(fold, MAIN)

    def _turn(self, job: Job) -> bool:
        """Do a job unless it is done, or another process has its fold; tell whether it was done."""
        if not self._missing(job):
            return False
        with self._held(job.fold) as mine:
            if mine:
                self._run(job)
        return mine

    @contextmanager
    def _held(self, fold: Fold) -> Iterator[bool]:
        """Hold a fold, and tell whether that could be, as no other process holds it."""
        with ExitStack() as held:
            try:
                held.enter_context(exclusive_lock(self._lock(fold.name), BUSY))
            except InputError:
                yield False
                return
            yield True

    def _lock(self, name: str) -> Path:
        lock = self.kitchens.out / "locks" / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
        return lock

    def _missing(self, job: Job) -> list[str]:
        return [part for part in job.parts if not self.path(job.name(part)).exists()]

    def _run(self, job: Job) -> None:
        """Train the model of a job, and ask it what it was not asked yet."""
        self.without_model(job.fold, job.variant)
        trained, clips = model(job.fold, job.variant, job.seed, self.updates, self.start)
        asked: dict[str, Callable[[], Any]] = {
            "actions": lambda: ask(trained, job.fold, clips, job.variant),
            "sentences": lambda: name_by_sentences(trained, job.fold, clips, job.variant),
            "retrieval": lambda: retrieve(trained, job.fold, clips, job.variant),
            "places": lambda: locate(trained, job.fold, clips, job.variant),
            "forecasts": lambda: forecast(trained, job.fold, clips),
            "captions": lambda: caption(trained, job.fold, clips, job.seed),
        }
        for part in self._missing(job):
            self.figures(job.name(part), asked[part])

    def without_model(self, fold: Fold, variant: Variant) -> Any:
        """Find what needs no model, with the words of a variant's codebook."""

        def make() -> Any:
            _, words = codebook(fold, variant)
            return without_model(fold, {"probe_of_words": fold.clips(words)})

        return self.figures(f"without-{fold.name}-{variant.codebook}", make)


def job_name(part: str, fold: Fold, variant: Variant, seed: int) -> str:
    """Name the figures of a part."""
    return f"{part}-{fold.name}-{variant.name}-{seed}"
