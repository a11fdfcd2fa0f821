"""The options by which a clip is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import ClassVar

from workfolder.errors import InputError
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


@dataclass(frozen=True)
class WindowOptions(Options):
    """How tokenized videos are asked about without looking at a picture again."""

    panel: ClassVar[str] = "Tokenized videos"

    work: Path | None = option(
        None, "Work folder whose visual words are read; then CLIP is a video's id.", shown="none"
    )
    window: float = option(
        6.0, "With --work or --over-time: seconds of a video that are asked about at a time."
    )
    captions: Path | None = option(
        None, "With --work: folder to write captions to, a file a video.", shown="none"
    )
    captions_format: str = option("vtt", "Form of the captions.", choices=("vtt", "srt"))

    def __post_init__(self) -> None:
        """Raise InputError for a value that cannot be."""
        super().__post_init__()
        if self.window <= 0:
            raise InputError(f"--window {self.window:g} will not do: give more than 0 seconds")

    def refuse_without_work(self) -> None:
        """Raise InputError if captions are asked for and there is no work folder."""
        if self.captions:
            raise InputError("--captions goes with --work: tokenize the videos first")


ANNOTATION_FORMATS = ("youcook2", "coin", "crosstask", "activitynet", "table")
"""What ``import annotations`` reads; see annotation_files.FORMATS."""


@dataclass(frozen=True)
class AnnotationImportOptions(Options):
    """How a file of annotations is read."""

    format: str = option(
        "table",
        "Whose form it has; table: columns video, start, end, text, label, tags, subset.",
        choices=ANNOTATION_FORMATS,
    )
    name: str | None = option(None, "Name of the table in the folder.", shown="the file's")
