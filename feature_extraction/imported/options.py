"""The options of what is imported: features and transcripts that other programs made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workfolder.options import Options, option


@dataclass(frozen=True)
class FeatureImportOptions(Options):
    """Which seconds of a video a row of an array is about, and which network made it."""

    panel: ClassVar[str] = "Imported features"

    seconds: float = option(help="Seconds of video that a row is about.", least=0.001)
    start: float = option(0.0, "Second of the video at which the first row begins.", least=0)
    rate: float | None = option(
        None, "Rows for each second of video.", least=0.001, shown="1 / --seconds"
    )
    weights_note: str | None = option(
        None,
        "Name of the network that made them, in your words. Features with equal notes are taken "
        "to be of one network; without a note, only those of one folder are.",
        shown="none",
    )
    key: str | None = option(
        None,
        "Name of the array in a .npz, .h5 or .pt file, or of a column of lists in a .parquet file.",
        shown="the only one",
    )

    @property
    def step(self) -> float:
        """Seconds from the beginning of a row to that of the next."""
        return self.seconds if self.rate is None else 1 / self.rate


ROW_KINDS = ("auto", "sentences", "captions")


@dataclass(frozen=True)
class TranscriptImportOptions(Options):
    """What the columns of a table are called, and what a row of it is."""

    panel: ClassVar[str] = "Imported transcripts"

    video: str | None = option(
        None,
        "Column of the video: its id, path or YouTube address.",
        shown="video, video_id ..., else the file's name",
    )
    start: str | None = option(
        None, "Column of the second at which a row begins.", shown="start, start_time ..."
    )
    end: str | None = option(
        None, "Column of the second at which a row ends.", shown="end, end_time ..., duration"
    )
    text: str | None = option(None, "Column of the text.", shown="text, sentence, caption ...")
    rows: str = option(
        "auto",
        "What a row is. sentences: kept as they are. captions: joined and split into sentences. "
        "auto: captions of HowTo100M's file and of recognisers, else sentences.",
        choices=ROW_KINDS,
    )
    language: str | None = option(None, "Code of the language, such as en.", shown="not noted")
    punctuation: str = option(
        "none",
        "How captions without punctuation get it: none, restore, or the folder of a restorer.",
    )
    all_videos: bool = option(False, "Take also videos that WORK/features does not have.")
