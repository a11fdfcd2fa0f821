"""Where the page is served, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass

from workfolder.options import Options, option

HOST = "127.0.0.1"


@dataclass(frozen=True)
class PageOptions(Options):
    """How the page is served."""

    host: str = option(HOST, f"{HOST} lets this machine in alone, 0.0.0.0 everybody.")
    port: int | None = option(
        None, "Port of the page.", least=1, most=65535, shown="the first free one from 7860"
    )
    weights: str | None = option(
        None, "File of the video network's weights, if it has moved.", shown="as trained"
    )
