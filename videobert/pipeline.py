"""All stages in their order, and what they have done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feature_extraction.errors import InputError
from feature_extraction.features import FeatureOptions, extract
from feature_extraction.jobs import Report, failed
from feature_extraction.progress import Progress, silent
from feature_extraction.sources import find_videos
from feature_extraction.storage import Stage
from feature_extraction.transcripts import TranscriptOptions, transcribe
from tokenization.codebook import ClusterOptions, cluster
from tokenization.tokens import tokenize
from videobert.pretraining.options import PretrainOptions

VIDEO_STAGES = ("features", "transcripts", "tokens", "examples")


@dataclass(frozen=True)
class RunOptions:
    """The options of every stage."""

    features: FeatureOptions = field(default_factory=FeatureOptions)
    transcripts: TranscriptOptions = field(default_factory=TranscriptOptions)
    codebook: ClusterOptions = field(default_factory=ClusterOptions)
    pretraining: PretrainOptions = field(default_factory=PretrainOptions)


@dataclass(frozen=True)
class StageStatus:
    """What a stage has: ``done`` videos, and the failed ones with their reasons."""

    done: int
    failures: dict[str, str]


def run(
    videos: list[Path],
    work: Path,
    out: Path,
    options: RunOptions = RunOptions(),
    workers: int = 1,
    progress: Progress = silent,
) -> Iterator[Report]:
    """Do every stage that is not done, from videos to a model; yield what became of each.

    A video that fails in one stage is left out of the later ones. InputError if nothing is left to go on with.
    """
    from videobert.pretraining.loop import pretrain

    sources = find_videos(videos)
    yield extract(sources, work, options.features, workers, progress)
    yield transcribe(sources, work, options.transcripts, progress=progress)
    yield cluster(work, options.codebook, progress)
    yield from tokenize(work, progress=progress)
    yield pretrain(work, out, options.pretraining, progress)


def status(work: Path) -> dict[str, Any]:
    """What is done below a work folder: a StageStatus for each stage of videos, and whether the codebook is there.

    InputError if the folder is not there.
    """
    if not work.is_dir():
        raise InputError(f"{work} is not there: make it with videobert extract VIDEOS --work {work}")
    stages = {name: Stage(work / name) for name in VIDEO_STAGES}
    found: dict[str, Any] = {name: StageStatus(len(stage.done()), failed(stage)) for name, stage in stages.items()}
    return found | {"codebook": (work / "codebook").is_dir()}
