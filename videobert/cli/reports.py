"""How the verbs that run stages tell what became of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from workfolder.progress import Progress
    from workfolder.report import Report

INCOMPLETE = 1
"""Exit status where some videos failed, or some files are damaged."""


def report_stages(stages: Callable[[Progress], Iterable[Report]], as_json: bool) -> None:
    """Run stages and print what became of each as soon as it is done.

    Raises:
        typer.Exit: some videos failed.
    """
    from videobert.cli.console import print_failures, print_json, print_line, progress_bars

    reports: list[Report] = []
    speaks = os.environ.get("RANK", "0") == "0"  # one of many processes under torchrun
    try:
        with progress_bars() as progress:
            for report in stages(progress):
                reports.append(report)
                if speaks:
                    progress.pause()
                    if not as_json:
                        print_line(str(report))
                    print_failures(report.failures)
    finally:  # an error in one stage is often due to failures in those before it
        if speaks and as_json and reports:
            print_json(reports)
    if not all(report.complete for report in reports):
        raise typer.Exit(INCOMPLETE)
