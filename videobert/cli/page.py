"""The verb that serves a model's page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

from videobert.cli.options import Model, PathOption, takes
from videobert.page.options import PageOptions


@takes(how=PageOptions)
def page(
    model: Model,
    how: PageOptions,
    work: Annotated[
        Optional[Path], PathOption(help="Work folder to search.", show_default="none")
    ] = None,
    videos: Annotated[
        Optional[Path],
        PathOption(help="Folder of clips to choose from.", show_default="those of --work"),
    ] = None,
) -> None:
    """Play with a model in a browser (needs the extra page)."""
    import sys

    from videobert.cli.console import print_line, progress_bars
    from videobert.page.serving import serve_page

    with progress_bars() as progress:

        def say(text: str) -> None:
            progress.pause()
            print_line(text)
            sys.stdout.flush()

        serve_page(model, work, videos, how, say, progress)
