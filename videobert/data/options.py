"""The options by which a clip is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from workfolder.options import CACHE, Options, option


@dataclass(frozen=True)
class ClipOptions(Options):
    """Which part of a video is looked at, and with which weights."""

    start: float = option(0.0, "Second where the part to look at begins.", least=0)
    end: float = option(
        inf, "Second where the part to look at ends.", least=0, shown="the video's end"
    )
    weights: str | None = option(
        None, "File of the video network's weights, if it has moved.", shown="as trained"
    )
    cache: bool = option(True, CACHE)
