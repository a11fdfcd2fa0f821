"""What became of every input of a stage: done, failed or waiting, three sets that add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from feature_extraction.errors import InputError
from feature_extraction.ledger import Ledger
from feature_extraction.progress import Progress, silent
from feature_extraction.sources import Source
from feature_extraction.storage import Stage, is_as_written, read_table

FAILED, PARTIAL, WHOLE = "failed", "partial", "whole"
"""What is noted of a video: it failed, its rows are there but it was not whole, it was partial and is whole now."""


@dataclass(frozen=True)
class Account:
    """The inputs of a stage by what became of them.

    Attributes:
        failed, partial: reasons by video. What is partial is done, too.
    """

    done: frozenset[str]
    failed: dict[str, str]
    waiting: frozenset[str]
    partial: dict[str, str]


@dataclass(frozen=True)
class Accounts:
    """The books of a stage: its inputs, what is noted of them, and the files that are there."""

    stage: Stage

    @property
    def _inputs(self) -> Ledger:
        return Ledger(self.stage.folder / "inputs.jsonl")

    @property
    def _notes(self) -> Ledger:
        return Ledger(self.stage.folder / "failures.jsonl")

    def expect(self, sources: Iterable[Source]) -> None:
        """Enter inputs that are not in the books yet."""
        there = {row["video"] for row in _rows(self._inputs)}
        new = (source for source in sources if source.video_id not in there)
        self._inputs.add({"video": source.video_id, "path": str(source.path)} for source in new)

    def note(self, video: str, status: str, reason: str, times: int = 1) -> None:
        """Add a row about a video; the latest one counts. ``times`` is how often that was so."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._notes.add([{"video": video, "status": status, "reason": reason, "when": when, "times": times}])

    def notes(self, videos: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """The latest row about each of these videos, or about every one."""
        latest = {row["video"]: row for row in _rows(self._notes)}
        return latest if videos is None else {video: latest[video] for video in videos if video in latest}

    def read(self, videos: Iterable[str] | None = None) -> Account:
        """The account of these inputs, or of all that are in the books."""
        there = frozenset(self.stage.done())
        inputs = there.union(row["video"] for row in _rows(self._inputs)) if videos is None else frozenset(videos)
        done, missing = inputs & there, inputs - there
        noted = sorted((video, row.get("status"), row.get("reason", "")) for video, row in self.notes().items())
        failed = {video: reason for video, status, reason in noted if status == FAILED and video in missing}
        partial = {video: reason for video, status, reason in noted if status == PARTIAL and video in done}
        return Account(done, failed, inputs.difference(done, failed), partial)


def _rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The rows about videos; one that rot has made another is passed over, and what it told is told again."""
    return (row for row in ledger if isinstance(row, dict) and isinstance(row.get("video"), str))


def damaged(stage: Stage, progress: Progress = silent) -> dict[str, str]:
    """The files of a stage that cannot be read whole, or hold another video's rows, each with its reason.

    Every page is compared with its checksum, and the rest with what would be written now.
    """
    found: dict[str, str] = {}
    videos = stage.done()
    for count, video in enumerate(videos, 1):
        path = stage.path(video)
        try:
            table = read_table(path)
            if not pc.all(pc.equal(table.column("video_id"), video)).as_py():
                found[video] = f"{path} holds rows of another video: delete it and run its stage again"
            elif not is_as_written(table, path):
                found[video] = f"{path} is not as it was written: delete it and run its stage again"
        except InputError as error:
            found[video] = str(error)
        except (KeyError, ValueError, pa.ArrowException) as error:  # names that are none, types that no file can hold
            found[video] = f"{path} cannot be read ({error}): delete it and run its stage again"
        progress(f"verify {stage.folder.name}", count, len(videos))
    return found
