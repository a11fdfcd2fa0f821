"""The verb that makes a model smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

from videobert.cli.options import Json, Out, OwnModel, PathOption, takes
from videobert.compression.options import CompressOptions


@takes(options=CompressOptions)
def compress(
    model: OwnModel,
    out: Out,
    options: CompressOptions,
    work: Annotated[
        Optional[Path],
        PathOption(help="Folder of the examples that it learns on.", show_default="none"),
    ] = None,
    json: Json = False,
) -> None:
    """Make a smaller model of MODEL, which learns from it on the examples of --work."""
    from videobert.cli.console import print_report, progress_bars
    from videobert.compression.compress import compress as make_smaller

    with progress_bars() as progress:
        report = make_smaller(model, work, out, options, progress)
    print_report(report, json)
