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
    """What a stage does for one video.

    Several threads call it at a time. It must be picklable for ``--runner ray``.

    Attributes:
        gpus: the share of a GPU that one of Ray's actors needs for it. An actor of a maker that
            needs none sees no GPU.
    """

    gpus: float = 0.0

    def prepare(self) -> None:
        """Have ready what every video needs, once. Whatever fails for all videos fails here.

        Raises:
            InputError: if it cannot be had. This stops the job before the first video.
        """
        return

    @abstractmethod
    def __call__(self, source: Source) -> Made:
        """Make the rows of a video.

        Raises:
            InputError: if the video cannot be used.
        """

    def close(self) -> None:
        """End the processes of this maker, whatever they are doing."""
        return
