"""What makes the rows of one video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from workfolder.sources import Source


@dataclass(frozen=True)
class Made:
    """What a stage made of one video.

    Attributes:
        table: its rows.
        partial: why the video was not whole; None if it was.
        seconds: how long it took, by part.
        dropped: how much was thrown away, by reason. A reason is a plural that reads well after
            its number, such as "words without a time".
    """

    table: pa.Table
    partial: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


class Maker(ABC):
    """What a stage does for one video. It is called from several threads, and must be picklable for --runner ray.

    Attributes:
        gpus: what share of one it needs there.
    """

    gpus: float = 0.0

    def prepare(self) -> None:
        """Have ready what every video needs, once; InputError, which stops the job, if it cannot be had."""
        return

    @abstractmethod
    def __call__(self, source: Source) -> Made:
        """The rows of a video; InputError if it cannot be used."""

    def close(self) -> None:
        """Let go of processes, if it has any; whatever runs in them ends."""
        return
