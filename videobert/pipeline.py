"""All stages in their order, and what they have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feature_extraction import transcripts
from feature_extraction.features import extract
from feature_extraction.options import FeatureOptions, TranscriptOptions
from tokenization.assignments import Assignments
from tokenization.codebook import IMMATERIAL, Codebook, cluster
from tokenization.near_words_stage import FOLDER as NEAR_WORDS_FOLDER
from tokenization.options import NEAR_WORDS, ClusterOptions, TokenizeOptions
from tokenization.tokens import tokenize
from videobert.pretraining.options import PretrainOptions
from workfolder import packing
from workfolder.damaged_files import find_damage
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.ledger import Account, Ledger
from workfolder.options import JobOptions
from workfolder.packing import Packing
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.sources import find_videos
from workfolder.stage import OPTIONS_FILE, Stage, refuse_other_options

VIDEO_STAGES = ("features", "transcripts", "tokens", "examples")
OPTIONAL_STAGES = (NEAR_WORDS_FOLDER,)
"""Told of where they are there."""


@dataclass(frozen=True)
class RunOptions:
    """The options of every stage."""

    features: FeatureOptions = field(default_factory=FeatureOptions)
    transcripts: TranscriptOptions = field(default_factory=TranscriptOptions)
    codebook: ClusterOptions = field(default_factory=ClusterOptions)
    pretraining: PretrainOptions = field(default_factory=PretrainOptions)


def run(
    videos: Sequence[str | Path],
    work: Path,
    out: Path,
    options: RunOptions,
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Iterator[Report]:
    """Do every stage that is not done, from videos to a model.

    A video that fails in one stage is left out of the later ones.

    Args:
        videos: files, folders of videos, addresses of either, and .txt lists of all these.
        work: the folder that all stages share.
        out: the folder of the model.
        options: the options of every stage.
        job: how to go through many videos.
        progress: told how far each stage is.

    Yields:
        What became of each stage, as soon as it is done.

    Raises:
        InputError: if an option cannot be used, or nothing is left to go on with.
    """
    from videobert.pretraining import loop

    sources = find_videos(videos, follow_links=job.follow_links)
    if out.resolve() == work.resolve():
        raise InputError(
            f"{out} cannot be both the work folder and the model's: give another --out"
        )
    # What a later stage would refuse must not wait for hours of extraction.
    transcripts.check(options.transcripts)
    loop.check(work, out, options.pretraining)
    yield extract(sources, work, options.features, job, progress)
    if not Stage(work / "features").done():
        raise InputError(
            f"{work / 'features'} holds no features, as every video failed: "
            f"see videobert status --work {work}"
        )
    yield transcripts.transcribe(sources, work, options.transcripts, job, progress)
    yield cluster(work, options.codebook, progress)
    kept = NEAR_WORDS if options.pretraining.sample_words else 0
    yield from tokenize(work, job, progress, TokenizeOptions(near_words=kept))
    yield loop.pretrain(work, out, options.pretraining, progress)


def status(work: Path) -> dict[str, Account]:
    """Tell what became of every input of each stage of videos.

    Raises:
        InputError: if the work folder is not there.
    """
    _check_work(work)
    return {name: Ledger(Stage(work / name)).read() for name in _stages(work)}


def verify(work: Path, progress: Progress = silent) -> dict[str, str]:
    """Read every file of every stage.

    Returns:
        What cannot be read whole, or is not what a later stage remembers, with its reason.

    Raises:
        InputError: if the work folder is not there.
    """
    _check_work(work)
    found = {
        f"{name}/{video}": reason
        for name in _stages(work)
        for video, reason in find_damage(Stage(work / name), progress).items()
    }
    for name, check in (("codebook", _check_codebook), ("options", _check_options)):
        try:
            check(work)
        except InputError as error:
            found[name] = str(error)
    return found


def pack(work: Path, progress: Progress = silent) -> Iterator[Packing]:
    """Fold the finished files of every stage into shards of about 256 MB.

    Yields:
        What became of each stage, as soon as it is done.

    Raises:
        InputError: if the work folder is not there, or another run is busy with it.
    """
    _check_work(work)
    for name in _stages(work):
        if (work / name / OPTIONS_FILE).exists():
            yield packing.pack(Stage(work / name), progress=progress)


def _stages(work: Path) -> tuple[str, ...]:
    return *VIDEO_STAGES, *(name for name in OPTIONAL_STAGES if (work / name).is_dir())


def _check_codebook(work: Path) -> None:
    """Raise InputError if the codebook is damaged, or is not the one that later stages remember."""
    folder = work / "codebook"
    if not folder.exists():
        return
    codebook = Codebook.load(folder)
    Assignments.read(folder, codebook.digest)
    for made in (work / "tokens", work / "examples"):
        if (made / OPTIONS_FILE).exists():
            codebook.refuse_other_digest(
                read_json(made / OPTIONS_FILE).get("codebook"),
                made,
                f"remove {folder} and run videobert cluster; if that does not help, remove {made} "
                f"and run videobert tokenize",
            )


def _check_options(work: Path) -> None:
    """Raise InputError if a stage has other options than a later one remembers."""
    for stage, later in (
        (work / "features", work / "codebook"),
        (work / "transcripts", work / "examples"),
    ):
        if (stage / OPTIONS_FILE).exists() and (later / OPTIONS_FILE).exists():
            remembered = read_json(later / OPTIONS_FILE).get(stage.name, {})
            there = read_json(stage / OPTIONS_FILE)
            refuse_other_options(stage, _material(remembered), _material(there))


def _material(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out the options in which features may differ."""
    return {name: value for name, value in options.items() if name not in IMMATERIAL}


def _check_work(work: Path) -> None:
    if not work.is_dir():
        raise InputError(
            f"{work} is not there: make it with videobert extract VIDEOS --work {work}"
        )
