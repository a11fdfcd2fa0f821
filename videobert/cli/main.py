"""The command line: verbs that make a model in the order of the pipeline, verbs that ask it, verbs that measure it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feature_extraction.options import FeatureOptions, TranscriptOptions
from tokenization.options import ClusterOptions
from videobert.cli import answers
from videobert.cli.evaluate import evaluate
from videobert.cli.finetune import finetune
from videobert.cli.inspect import inspect
from videobert.cli.options import (
    ASK,
    MAKE,
    MEASURE,
    Json,
    Out,
    Videos,
    Work,
    takes,
)
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.options import JobOptions
from workfolder.paths import refuse_address

if TYPE_CHECKING:
    from workfolder.report import Report

app = typer.Typer(
    help="VideoBERT: learn from narrated videos what is said and what is seen, as one language.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
make = app.command(rich_help_panel=MAKE)

INPUT_ERROR, INCOMPLETE = 2, 1
"""Exit status where the input cannot be used, and where some videos failed."""
STOPPED = 130
"""Exit status that Typer gives a Ctrl-C."""
REASONS_SHOWN = 20


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit status 2."""
    # The libraries' own bars and advice would stand between ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        for word in sys.argv[1:]:
            refuse_address(word.partition("=")[2] if word.startswith("--") else word)
        app()
    except InputError as error:
        sys.stderr.write(f"videobert: {error}\n")
        sys.exit(INPUT_ERROR)
    except SystemExit as end:
        if end.code == STOPPED:
            sys.stderr.write(
                "videobert: stopped; whatever is finished is kept, and the same command goes on from there\n"
            )
        raise


@make
@takes(options=FeatureOptions, jobs=JobOptions)
def extract(
    videos: Videos, work: Work, options: FeatureOptions, jobs: JobOptions, json: Json = False
) -> None:
    """Clip features: 1024 numbers for each 1.5 s of picture."""
    from feature_extraction.features import extract as extract_features
    from videobert.cli.console import progress_bars
    from workfolder.sources import find_videos

    with progress_bars() as progress:
        sources = find_videos(videos, follow_links=jobs.follow_links)
        report = extract_features(sources, work, options, jobs, progress)
    _finish([report], json)


@make
@takes(options=TranscriptOptions, jobs=JobOptions)
def transcribe(
    videos: Videos, work: Work, options: TranscriptOptions, jobs: JobOptions, json: Json = False
) -> None:
    """Timed sentences: from caption files, else subtitles, else speech recognition."""
    from feature_extraction.transcripts import transcribe as transcribe_videos
    from videobert.cli.console import progress_bars
    from workfolder.sources import SOUND_SUFFIXES, VIDEO_SUFFIXES, find_videos

    with progress_bars() as progress:
        sources = find_videos(videos, VIDEO_SUFFIXES | SOUND_SUFFIXES, jobs.follow_links)
        report = transcribe_videos(sources, work, options, jobs, progress)
    _finish([report], json)


@make
@takes(options=ClusterOptions)
def cluster(work: Work, options: ClusterOptions, json: Json = False) -> None:
    """The visual vocabulary: clips that look alike share a visual word."""
    from tokenization.codebook import cluster as fit_codebook
    from videobert.cli.console import progress_bars

    with progress_bars() as progress:
        report = fit_codebook(work, options, progress)
    _finish([report], json)


@make
@takes(jobs=JobOptions, omit=["timeout", "follow_links"])
def tokenize(work: Work, jobs: JobOptions, json: Json = False) -> None:
    """A visual word for each clip, then training examples of sentences with their visual words."""
    from tokenization.tokens import tokenize as tokenize_videos
    from videobert.cli.console import progress_bars

    with progress_bars() as progress:
        reports = tokenize_videos(work, jobs, progress)
    _finish(reports, json)


@make
@takes(options=PretrainOptions)
def pretrain(work: Work, out: Out, options: PretrainOptions, json: Json = False) -> None:
    """Train a model on the examples of a work folder."""
    from videobert.cli.console import progress_bars
    from videobert.pretraining.loop import pretrain as train

    with progress_bars() as progress:
        report = train(work, out, options, progress)
    if os.environ.get("RANK", "0") == "0":  # of many processes under torchrun one speaks
        _finish([report], json)


@make
@takes(
    features=FeatureOptions,
    transcripts=TranscriptOptions,
    codebook=ClusterOptions,
    pretraining=PretrainOptions,
    jobs=JobOptions,
)
def run(
    videos: Videos, work: Work, out: Out, jobs: JobOptions, json: Json = False, **stages: Any
) -> None:
    """Extract, transcribe, cluster, tokenize and pretrain; what is done is skipped."""
    from videobert import pipeline
    from videobert.cli.console import progress_bars

    options = pipeline.RunOptions(**stages)
    reports: list[Report] = []
    try:
        with progress_bars() as progress:
            for report in pipeline.run(videos, work, out, options, jobs, progress):
                reports.append(report)
    except InputError:  # of a stage, often because of failures in those before it
        with suppress(typer.Exit):
            _finish(reports, json)
        raise
    _finish(reports, json)


@make
def status(
    work: Work,
    check: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Read every file, and compare it with its checksums.",
            show_default="off",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """What is done, what failed and why, what is waiting."""
    from videobert.cli.console import print_accounts, print_json, print_line, progress_bars
    from videobert.pipeline import status as look
    from videobert.pipeline import verify

    accounts = look(work)
    codebook = (work / "codebook").is_dir()
    damage = {}
    if check:
        with progress_bars() as progress:
            damage = verify(work, progress)
    if json:
        print_json({**accounts, "codebook": codebook, "damaged": damage})
    else:
        print_accounts(str(work), accounts)
        print_line(f"codebook: {'there' if codebook else 'not made yet'}")
        for reason in damage.values():
            print_line(f"damaged: {reason}")
    if damage:
        raise typer.Exit(INCOMPLETE)


for verb in (answers.predict, answers.caption, answers.forecast, answers.imagine, answers.search,
             answers.locate):  # fmt: skip
    app.command(rich_help_panel=ASK)(verb)
app.add_typer(inspect, name="inspect", rich_help_panel=MAKE)
app.add_typer(finetune, name="finetune", rich_help_panel=MAKE)
app.add_typer(evaluate, name="evaluate", rich_help_panel=MEASURE)


def _finish(reports: Iterable[Report], as_json: bool) -> None:
    """Print what became of each stage; exit with INCOMPLETE if some video failed."""
    from videobert.cli.console import print_json, print_line

    reports = list(reports)
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            print_line(str(report))
    reasons = [reason for report in reports for reason in report.failures.values()]
    for reason in reasons[:REASONS_SHOWN]:
        sys.stderr.write(f"videobert: {reason}\n")
    if len(reasons) > REASONS_SHOWN:
        sys.stderr.write(
            f"videobert: and {len(reasons) - REASONS_SHOWN:,} more, see failures.jsonl or videobert status\n"
        )
    if reasons:
        raise typer.Exit(INCOMPLETE)
