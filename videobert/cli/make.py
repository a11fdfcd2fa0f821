"""The verbs that make a model, in the order of the pipeline, and ``status``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feature_extraction.options import FeatureOptions, TranscriptOptions
from tokenization.options import ClusterOptions, TokenizeOptions
from videobert.cli.options import FETCHING, Flag, Json, Out, Videos, Work, takes
from videobert.cli.reports import INCOMPLETE, report_stages
from videobert.pretraining.options import PretrainOptions
from workfolder.options import JobOptions

if TYPE_CHECKING:
    from workfolder.progress import Progress
    from workfolder.report import Report


@takes(options=FeatureOptions, jobs=JobOptions)
def extract(
    videos: Videos, work: Work, options: FeatureOptions, jobs: JobOptions, json: Json = False
) -> None:
    """Extract clip features: 1024 numbers for each 1.5 s of picture, unless told otherwise."""
    from feature_extraction.features import extract as extract_features
    from workfolder.sources import find_videos

    sources = find_videos(videos, follow_links=jobs.follow_links)
    report_stages(lambda bars: [extract_features(sources, work, options, jobs, bars)], json)


@takes(options=TranscriptOptions, jobs=JobOptions, omit=["cache"])
def transcribe(
    videos: Videos, work: Work, options: TranscriptOptions, jobs: JobOptions, json: Json = False
) -> None:
    """Write timed sentences: from caption files, else subtitles, else speech recognition."""
    from feature_extraction.transcripts import transcribe as transcribe_videos
    from workfolder.sources import SOUND_SUFFIXES, VIDEO_SUFFIXES, find_videos

    sources = find_videos(videos, VIDEO_SUFFIXES | SOUND_SUFFIXES, jobs.follow_links)
    report_stages(lambda bars: [transcribe_videos(sources, work, options, jobs, bars)], json)


@takes(options=ClusterOptions)
def cluster(work: Work, options: ClusterOptions, json: Json = False) -> None:
    """Make the visual vocabulary: clips that look alike share a visual word."""
    from tokenization.codebook import cluster as fit_codebook

    report_stages(lambda bars: [fit_codebook(work, options, bars)], json)


@takes(
    options=TokenizeOptions,
    jobs=JobOptions,
    omit=["timeout", "follow_links", "cache", *FETCHING],
)
def tokenize(work: Work, options: TokenizeOptions, jobs: JobOptions, json: Json = False) -> None:
    """Give each clip a visual word, then make training examples of sentences and visual words."""
    from tokenization.tokens import tokenize as tokenize_videos

    report_stages(lambda bars: tokenize_videos(work, jobs, bars, options), json)


@takes(options=PretrainOptions)
def pretrain(work: Work, out: Out, options: PretrainOptions, json: Json = False) -> None:
    """Train a model on the examples of a work folder."""
    from videobert.pretraining.loop import pretrain as train

    report_stages(lambda bars: [train(work, out, options, bars)], json)


@takes(
    features=FeatureOptions,
    transcripts=TranscriptOptions,
    codebook=ClusterOptions,
    pretraining=PretrainOptions,
    jobs=JobOptions,
    omit=["shard"],
)
def run(
    videos: Videos, work: Work, out: Out, jobs: JobOptions, json: Json = False, **stages: Any
) -> None:
    """Extract, transcribe, cluster, tokenize and pretrain; what is done is skipped."""
    from videobert import pipeline
    from videobert.cli.config import write_config

    options = pipeline.RunOptions(**stages)

    def run_all(bars: Progress) -> Iterator[Report]:
        yield from pipeline.run(videos, work, out, options, jobs, bars)
        write_config(work / "run.toml", stages.values())  # what was refused is not to be repeated

    report_stages(run_all, json)


def status(
    work: Work,
    check: Annotated[
        bool, Flag("--verify", help="Read every file, and compare it with its checksums.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell what is done, what failed and why, and what is waiting."""
    from videobert import pipeline
    from videobert.cli.console import print_accounts, print_json, print_line, progress_bars

    accounts = pipeline.status(work)
    codebook = (work / "codebook").is_dir()
    damage = {}
    if check:
        with progress_bars() as progress:
            damage = pipeline.verify(work, progress)
    if json:
        print_json({**accounts, "codebook": codebook, "damaged": damage})
    else:
        print_accounts(str(work), accounts)
        print_line(f"codebook: {'there' if codebook else 'not made yet'}")
        for reason in damage.values():
            print_line(f"damaged: {reason}")
    if damage:
        raise typer.Exit(INCOMPLETE)


VERBS = (extract, transcribe, cluster, tokenize, pretrain, run, status)
