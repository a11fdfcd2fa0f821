"""The verbs that take over what other programs made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from feature_extraction.imported.options import FeatureImportOptions, TranscriptImportOptions
from videobert.cli.options import (
    FETCHING,
    AnnotationFile,
    FeatureFiles,
    Json,
    PathOption,
    Tables,
    Work,
    takes,
)
from videobert.cli.reports import INCOMPLETE, report_stages
from videobert.data.options import AnnotationImportOptions
from workfolder.options import JobOptions

imports = typer.Typer(
    help="Take over features, transcripts and annotations that others made.", no_args_is_help=True
)


@imports.command("features")
@takes(options=FeatureImportOptions, jobs=JobOptions, omit=["cache", *FETCHING])
def import_features(
    files: FeatureFiles,
    work: Work,
    options: FeatureImportOptions,
    jobs: JobOptions,
    video_dir: Annotated[
        Optional[Path],
        PathOption(
            help="Folder of the videos themselves, for the pictures of visual words.",
            show_default="no pictures",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Take over clip features: one array a video, a row of numbers a clip."""
    from feature_extraction.imported.features import find_feature_files
    from feature_extraction.imported.features import import_features as run

    sources = find_feature_files(files, video_dir, jobs.follow_links)
    report_stages(lambda bars: [run(sources, work, options, jobs, bars)], json)


@imports.command("transcripts")
@takes(options=TranscriptImportOptions, jobs=JobOptions, omit=["runner", "cache", *FETCHING])
def import_transcripts(
    files: Tables,
    work: Work,
    options: TranscriptImportOptions,
    jobs: JobOptions,
    json: Json = False,
) -> None:
    """Take over texts with times: tables of videos, HowTo100M's, YouCook2's, WhisperX's."""
    from feature_extraction.imported.transcripts import import_transcripts as run

    report_stages(lambda bars: [run(files, work, options, jobs, bars)], json)


@imports.command("annotations")
@takes(options=AnnotationImportOptions)
def import_annotations(
    file: AnnotationFile, work: Work, options: AnnotationImportOptions, json: Json = False
) -> None:
    """Take over labelled stretches of videos, as one table that finetune learns from."""
    from videobert.cli.console import print_failures, print_missing, print_report
    from videobert.data.annotations import import_annotations as run

    report = run(file, work, options.format, options.name)
    print_report(report, json)
    if not json:
        print_missing(0, report.missing)
    print_failures({line: line for line in report.refused})
    if report.refused:
        raise typer.Exit(INCOMPLETE)
