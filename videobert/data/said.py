"""What is said in the videos of a work folder, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workfolder.files import read_table
from workfolder.stage import Stage


@dataclass(frozen=True)
class Said:
    """The sentences of a video, in the order of time.

    Attributes:
        texts: of each.
        times: when each begins and ends in seconds, float64 [sentences, 2].
    """

    texts: tuple[str, ...]
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


def read_said(work: Path, videos: Collection[str] | None = None) -> dict[str, Said]:
    """Read the transcripts of some videos, or of all; those in which nobody speaks are left out."""
    stage, found = Stage(work / "transcripts"), {}
    for video in stage.done():
        if videos is not None and video not in videos:
            continue
        rows = read_table(stage.path(video), ["start", "end", "text"]).to_pylist()
        rows = sorted((row for row in rows if row["text"].strip()), key=lambda row: row["start"])
        if rows:
            times = np.array([(row["start"], row["end"]) for row in rows])
            found[video] = Said(tuple(row["text"] for row in rows), times)
    return found
