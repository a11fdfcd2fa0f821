"""The command line: one verb a stage, in the order of the pipeline."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from feature_extraction.errors import InputError
from videobert import cli_answers
from videobert.cli_evaluate import evaluate
from videobert.cli_finetune import finetune
from videobert.cli_inspect import inspect
from videobert.cli_options import (
    Asr,
    Branching,
    Components,
    Decoder,
    Depth,
    EngineName,
    Json,
    Language,
    MaxFailures,
    Out,
    Preparation,
    Punctuation,
    RetryFailed,
    Runner,
    Seed,
    Timeout,
    Videos,
    Weights,
    Work,
    Workers,
    takes,
)
from videobert.pretraining.options import PretrainOptions

app = typer.Typer(
    help="VideoBERT: learn from narrated videos what is said and what is seen, as one language.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

if TYPE_CHECKING:
    from feature_extraction.jobs import JobOptions, Report

INPUT_ERROR, INCOMPLETE = 2, 1
"""Exit status where the input cannot be used, and where some videos failed."""
REASONS_SHOWN = 20


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit status 2."""
    # The libraries' own bars and advice would stand between ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        app()
    except InputError as error:
        sys.stderr.write(f"videobert: {error}\n")
        sys.exit(INPUT_ERROR)
    except KeyboardInterrupt:
        sys.stderr.write("videobert: stopped; what was finished is kept, run the same command to go on\n")
        sys.exit(130)


@app.command()
def extract(
    videos: Videos, work: Work, weights: Weights = "kinetics400", engine: EngineName = None, decoder: Decoder = "pyav",
    workers: Workers = None, runner: Runner = "local", timeout: Timeout = 3600, retry_failed: RetryFailed = False,
    max_failures: MaxFailures = None, json: Json = False,
) -> None:  # fmt: skip
    """Clip features: 1024 numbers for each 1.5 s of picture."""
    from feature_extraction.engines import best_engine_name
    from feature_extraction.features import FeatureOptions
    from feature_extraction.features import extract as extract_features
    from feature_extraction.sources import find_videos
    from videobert.console import progress_bars

    sources = find_videos(videos)
    options = FeatureOptions(weights, engine or best_engine_name(), decoder)
    job = _job(workers, runner, retry_failed, max_failures, timeout)
    with progress_bars() as progress:
        report = extract_features(sources, work, options, job, progress)
    _finish([report], json)


@app.command()
def transcribe(
    videos: Videos, work: Work, asr: Asr = "auto", language: Language = None, punctuation: Punctuation = "none",
    workers: Workers = None, runner: Runner = "local", timeout: Timeout = 3600, retry_failed: RetryFailed = False,
    max_failures: MaxFailures = None, json: Json = False,
) -> None:  # fmt: skip
    """Timed sentences: from the captions beside each video, else the subtitles in it, else its sound."""
    from feature_extraction.sources import find_videos
    from feature_extraction.transcripts import TranscriptOptions
    from feature_extraction.transcripts import transcribe as transcribe_videos
    from videobert.console import progress_bars

    job = _job(workers, runner, retry_failed, max_failures, timeout)
    with progress_bars() as progress:
        report = transcribe_videos(find_videos(videos), work, TranscriptOptions(asr, language, punctuation), job, progress)
    _finish([report], json)


@app.command()
def cluster(
    work: Work, branching: Branching = 12, depth: Depth = 4, preparation: Preparation = "none",
    components: Components = 128, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """The visual vocabulary: hierarchical k-means over the features."""
    from tokenization.codebook import ClusterOptions
    from tokenization.codebook import cluster as fit_codebook
    from videobert.console import progress_bars

    with progress_bars() as progress:
        report = fit_codebook(work, ClusterOptions(branching, depth, preparation, components, seed), progress)
    _finish([report], json)


@app.command()
def tokenize(
    work: Work, workers: Workers = None, runner: Runner = "local", retry_failed: RetryFailed = False,
    max_failures: MaxFailures = None, json: Json = False,
) -> None:  # fmt: skip
    """A visual word for each clip, then the training examples."""
    from tokenization.tokens import tokenize as tokenize_videos
    from videobert.console import progress_bars

    with progress_bars() as progress:
        reports = tokenize_videos(work, _job(workers, runner, retry_failed, max_failures), progress)
    _finish(reports, json)


@app.command()
@takes("pretraining", PretrainOptions)
def pretrain(work: Work, out: Out, pretraining: PretrainOptions, json: Json = False) -> None:
    """A model, from the examples."""
    from videobert.console import progress_bars
    from videobert.pretraining.loop import pretrain as train

    with progress_bars() as progress:
        report = train(work, out, pretraining, progress)
    if os.environ.get("RANK", "0") == "0":  # of many processes under torchrun one speaks
        _finish([report], json)


@app.command()
@takes("pretraining", PretrainOptions)
def run(
    videos: Videos, work: Work, out: Out, pretraining: PretrainOptions, weights: Weights = "kinetics400", asr: Asr = "auto",
    language: Language = None, punctuation: Punctuation = "none", branching: Branching = 12, depth: Depth = 4,
    preparation: Preparation = "none", components: Components = 128, seed: Seed = 0, engine: EngineName = None,
    decoder: Decoder = "pyav", workers: Workers = None, runner: Runner = "local", timeout: Timeout = 3600,
    retry_failed: RetryFailed = False, max_failures: MaxFailures = None, json: Json = False,
) -> None:  # fmt: skip
    """All of the above, each skipped where it is done."""
    from feature_extraction.engines import best_engine_name
    from feature_extraction.features import FeatureOptions
    from feature_extraction.transcripts import TranscriptOptions
    from tokenization.codebook import ClusterOptions
    from videobert import pipeline
    from videobert.console import progress_bars

    options = pipeline.RunOptions(
        FeatureOptions(weights, engine or best_engine_name(), decoder),
        TranscriptOptions(asr, language, punctuation),
        ClusterOptions(branching, depth, preparation, components, seed),
        pretraining,
    )
    job = _job(workers, runner, retry_failed, max_failures, timeout)
    with progress_bars() as progress:
        results = list(pipeline.run(videos, work, out, options, job, progress))
    _finish(results, json)


@app.command()
def status(
    work: Work,
    check: Annotated[bool, typer.Option("--verify", help="Read every file, and compare it with its checksums.")] = False,
    json: Json = False,
) -> None:
    """What is done, what failed and why, what is waiting."""
    from videobert.console import print_accounts, print_json, print_line, progress_bars
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


for verb in (cli_answers.predict, cli_answers.caption, cli_answers.forecast, cli_answers.imagine, cli_answers.search,
             cli_answers.locate):  # fmt: skip
    app.command()(verb)
app.add_typer(finetune, name="finetune")
app.add_typer(evaluate, name="evaluate")
app.add_typer(inspect, name="inspect")


def _job(workers: int | None, runner: str, retry_failed: bool, max_failures: int | None, timeout: float = 3600.0) -> JobOptions:
    from feature_extraction.engines import cores
    from feature_extraction.jobs import JobOptions

    return JobOptions(workers or cores(), runner, timeout, retry_failed, max_failures)


def _finish(reports: Iterable[Report], as_json: bool) -> None:
    """Print what became of each stage; exit with INCOMPLETE if some video failed."""
    from videobert.console import print_json, print_line

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
        sys.stderr.write(f"videobert: and {len(reasons) - REASONS_SHOWN:,} more, see failures.jsonl or videobert status\n")
    if reasons:
        raise typer.Exit(INCOMPLETE)
