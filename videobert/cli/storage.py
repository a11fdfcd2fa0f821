"""The verbs that change how a work folder is kept."""

from __future__ import annotations

import typer

from videobert.cli.options import Inspected, Json
from videobert.cli.reports import INCOMPLETE


def pack(work: Inspected, json: Json = False) -> None:
    """Fold the files of a work folder into Parquet shards of about 256 MB; all verbs read them."""
    from videobert import pipeline
    from videobert.cli.console import print_failures, print_json, print_line, progress_bars

    reports = []
    with progress_bars() as progress:
        for report in pipeline.pack(work, progress):
            reports.append(report)
            progress.pause()
            if not json:
                print_line(str(report))
            print_failures(report.left)
    if json:
        print_json(reports)
    if any(report.left for report in reports):
        raise typer.Exit(INCOMPLETE)


VERBS = (pack,)
