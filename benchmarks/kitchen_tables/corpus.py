"""The kitchen on the disk: filmed once, taken through every stage once, dealt out to work folders.

The sets are ``training_25`` and so on, each within the next; a validation slice of videos that are
made like the training ones, from which nothing learns; and the kitchen's two held-out splits. A
set's work folder has hard links to the files of the folder in which every video is, and a copy of
the codebook.

There is one codebook for all sizes, fitted on the main size's training videos. A codebook for each
size would change two things at once, and visual words of one could not be compared with those of
another. So the smaller sizes see words that more videos drew, but of pictures only, not of what is
said. If the curve over sizes rises, it rises in spite of that.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

from benchmarks.kitchen_tables.sizes import Look, Sizes
from demos.kitchen.corpus import make_video
from demos.kitchen.recipes import plan
from demos.kitchen.style import Style
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Step, Truth, Video
from feature_extraction.features import extract
from feature_extraction.seeing.engines import cores
from feature_extraction.transcripts import TranscriptOptions, transcribe
from tokenization.codebook import ClusterOptions, cluster
from tokenization.tokens import tokenize
from workfolder.errors import InputError
from workfolder.files import write_folder
from workfolder.progress import Progress
from workfolder.report import Report
from workfolder.runner import JobOptions
from workfolder.sources import find_videos
from workfolder.stage import Stage

HELD_OUT = (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
VALIDATION = "validation"
EVERYTHING = "everything"
PLANNED = 1500
"""Recipes. The first of each split are filmed, so a video does not depend on their number."""
DEALT = ("features", "transcripts", "tokens", "examples")


def training_set(videos: int) -> str:
    """Name the set of so many training videos."""
    return f"{TRAINING}_{videos}"


@dataclass(frozen=True)
class Kitchen:
    """A corpus below ``out``."""

    out: Path
    sizes: Sizes
    seed: int
    look: Look = field(default_factory=Look)

    @cached_property
    def plan(self) -> Truth:
        """All recipes that there could be."""
        return plan(PLANNED, self.seed, self._style)

    @property
    def _style(self) -> Style:
        return replace(self.look.style, steps=self.sizes.steps)

    def videos(self, name: str) -> tuple[Video, ...]:
        """Select the videos of a set, one of ``names``."""
        apart = self.sizes.validation
        split = name if name in HELD_OUT else TRAINING
        dealt = [video for video in self.plan.videos if video.split == split]
        if name in HELD_OUT:
            return tuple(dealt[: self.sizes.held_out])
        if name == VALIDATION:
            return tuple(dealt[:apart])
        return tuple(dealt[apart : apart + int(name.removeprefix(f"{TRAINING}_"))])

    def truth(self, name: str) -> Truth:
        """Tell what happens in the videos of a set."""
        return replace(self.plan, videos=self.videos(name))

    @property
    def names(self) -> tuple[str, ...]:
        """All sets."""
        return (*map(training_set, self.sizes.training), VALIDATION, *HELD_OUT)

    @property
    def main(self) -> str:
        """The training set of the main size."""
        return training_set(self.sizes.main)

    def work(self, name: str) -> Path:
        """Name the work folder of a set."""
        return self.out / "work" / name

    def path(self, video: Video) -> Path:
        """Name the file of a video."""
        return self.out / "videos" / f"{video.video}.mp4"

    def tells(self, sentence: str) -> bool:
        """Tell whether a sentence is about a step, as it names an ingredient.

        Fillers name none, and no picture shows them.
        """
        return not set(self.plan.nouns).isdisjoint(sentence.lower().split())

    def shows(self, name: str, sentence: str, start: float, end: float) -> tuple[float, float]:
        """Find when the step is shown that a sentence is about.

        It is the nearest in time of the steps with the ingredient.

        Args:
            name: The video.
            sentence: The sentence.
            start: When it begins, in seconds.
            end: When it ends, in seconds.

        Returns:
            Start and end of the step, in seconds.
        """
        spans = [
            (step.start, step.end)
            for step in self._steps[name]
            if step.noun in sentence.lower().split()
        ]
        return min(spans, key=lambda span: abs(sum(span) - start - end))

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return {Path(video.video).name: video.steps for video in self.plan.videos}


def make_corpus(kitchen: Kitchen, progress: Progress) -> None:
    """Film and process what is not there yet, and fill the work folders of all sets.

    Raises:
        InputError: if a video fails in some stage.
    """
    every = {video.video: video for name in kitchen.names for video in kitchen.videos(name)}
    film(kitchen, tuple(every.values()), progress)
    everything, main = kitchen.work(EVERYTHING), kitchen.work(kitchen.main)
    job = JobOptions(cores())
    sources = find_videos([kitchen.path(video) for video in every.values()])
    check(extract(sources, everything, kitchen.look.features, job, progress))
    check(transcribe(sources, everything, TranscriptOptions("captions"), job, progress))
    link(Stage(everything / "features"), Stage(main / "features"), kitchen.videos(kitchen.main))
    sizes = kitchen.sizes
    shape = sizes.branching, sizes.depth, "whiten", sizes.components
    cluster(main, ClusterOptions(*shape, search=kitchen.look.search), progress)
    copy(main / "codebook", everything / "codebook")
    for report in tokenize(everything, job, progress):
        check(report)
    for name in kitchen.names:
        copy(everything / "codebook", kitchen.work(name) / "codebook")
        for stage in DEALT:
            link(Stage(everything / stage), Stage(kitchen.work(name) / stage), kitchen.videos(name))


def film(kitchen: Kitchen, videos: Sequence[Video], progress: Progress) -> None:
    """Film the videos that are not there yet; a killed run loses the ones in the making."""
    out = kitchen.out / "videos"
    missing = [video for video in videos if not kitchen.path(video).exists()]
    for folder in {kitchen.path(video).parent for video in missing}:
        folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(make_video, video, kitchen.seed, place(video), out, kitchen.look.style)
            for video in missing
        ]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                progress("film", len(videos) - len(missing) + done, len(videos))
        finally:
            pool.shutdown(cancel_futures=True)


def place(video: Video) -> int:
    """Read the place of a video in the plan, which seeds its random numbers, from its name."""
    return int(video.video.rpartition("_")[2])


def check(report: Report) -> None:
    """Check that no video failed.

    Raises:
        InputError: if one did.
    """
    for video, reason in report.failures.items():
        raise InputError(
            f"{report.stage} of {video} failed, and the tables need every video: {reason}"
        )


def link(source: Stage, target: Stage, videos: Sequence[Video]) -> None:
    """Link the files of some videos into ``target``."""
    target.claim(source.options())
    for video in videos:
        name = Path(video.video).name
        if not target.path(name).exists():
            os.link(source.path(name), target.path(name))


def copy(source: Path, target: Path) -> None:
    """Copy a folder whole, unless it is there."""
    if not target.exists():
        with write_folder(target) as part:
            shutil.copytree(source, part, dirs_exist_ok=True)
