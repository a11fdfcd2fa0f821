"""The verbs that change how a work folder is kept."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from videobert.cli.options import Inspected, Json
from videobert.cli.reports import INCOMPLETE
from workfolder.errors import InputError

FORMATS = ("webdataset", "datasets", "lance")


def _known_format(given: str) -> str:
    """Return a format that can be written.

    Raises:
        InputError: if it is another one.
    """
    if given not in FORMATS:
        raise InputError(f"--format {given}: give one of {', '.join(FORMATS)}")
    return given


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


def export(
    work: Inspected,
    format: Annotated[
        str, typer.Option(help="webdataset, datasets or lance.", callback=_known_format)
    ],
    to: Annotated[str, typer.Option(help="A new folder, or an address that fsspec can write to.")],
    stage: Annotated[
        Optional[list[str]],
        typer.Option(help="A stage to write; may be repeated.", show_default="every stage"),
    ] = None,
    json: Json = False,
) -> None:
    """Write what a work folder holds in the format of another library."""
    from videobert import exporting, pipeline
    from videobert.cli.console import print_json, print_line, progress_bars

    stages = (*pipeline.VIDEO_STAGES, *pipeline.OPTIONAL_STAGES)
    unknown = [name for name in stage or () if name not in stages]
    if unknown:
        raise InputError(f"--stage {unknown[0]}: give one of {', '.join(stages)}")
    with progress_bars() as progress:
        exported = exporting.export(work, to, format, stage or stages, progress)
    if json:
        print_json(exported)
    else:
        print_line(str(exported))


VERBS = (pack, export)
