"""A share of the videos, for machines that know nothing of each other but the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workfolder.errors import InputError
from workfolder.options import JobOptions
from workfolder.sources import Source, Sources


@dataclass(frozen=True)
class Shard:
    """One of ``of`` shares; a video's id alone says which is its own.

    So a video that is added or taken away moves no other.

    Attributes:
        number: from 1 to ``of``.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a share that is written as 3/64.

        Raises:
            InputError: if it is written otherwise, or there is no such share.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"--shard {text!r} will not do: give one such as 3/64, from 1/64 on")
        return cls(int(found[1]), int(found[2]))

    def holds(self, video: str) -> bool:
        """Tell whether this share has the video of that id."""
        digest = hashlib.sha256(video.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def share(self, sources: Iterable[Source]) -> Sources:
        """Return the videos of this share; all shares note what a folder holds besides."""
        passed_over = sources.passed_over if isinstance(sources, Sources) else {}
        return Sources([source for source in sources if self.holds(source.video_id)], passed_over)


def own_share(sources: Sequence[Source], job: JobOptions) -> Sequence[Source]:
    """Return the videos that this job is to work on.

    Raises:
        InputError: if ``job.shard`` is no share.
    """
    return sources if job.shard is None else Shard.parse(job.shard).share(sources)
