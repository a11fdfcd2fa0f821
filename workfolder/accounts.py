"""What became of every input of a stage: done, failed or waiting, three sets that add up."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workfolder.errors import InputError
from workfolder.files import is_as_written, read_table
from workfolder.ledger import Ledger
from workfolder.progress import Progress, silent
from workfolder.sources import Source, twins
from workfolder.stage import Stage

FAILED, PARTIAL, WHOLE = "failed", "partial", "whole"
"""What is noted of a video: it failed, its rows are there but it was not whole, it was partial and is whole now."""


@dataclass(frozen=True)
class Account:
    """The inputs of a stage by what became of them.

    Attributes:
        failed, partial: reasons by video. What is partial is done, too.
        dropped: how much was thrown away of the videos that are done, by video and reason.
    """

    done: frozenset[str]
    failed: dict[str, str]
    waiting: frozenset[str]
    partial: dict[str, str]
    dropped: dict[str, dict[str, int]]

    @property
    def dropped_in_all(self) -> Counter[str]:
        """How much was thrown away of all videos, by reason."""
        total: Counter[str] = Counter()
        for dropped in self.dropped.values():
            total.update(dropped)
        return total


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

    @property
    def _drops(self) -> Ledger:
        return Ledger(self.stage.folder / "dropped.jsonl")

    @cached_property
    def _paths(self) -> dict[str, str]:
        return {
            row["video"]: row["path"]
            for row in _rows(self._inputs)
            if isinstance(row.get("path"), str)
        }

    def noted(self, video: str) -> str | None:
        """The absolute path under which a video was entered last, None if it was not. The books are read once."""
        return self._paths.get(video)

    def expect(self, sources: Iterable[Source]) -> None:
        """Enter inputs that are not in the books yet, or that have moved.

        InputError if the books have another file of that id, which is still there.
        """
        new = {}
        for source in sources:
            path, noted = os.path.abspath(source.path), self.noted(source.video_id)
            if path != noted and not (noted and _is_still(noted, path, source.video_id)):
                new[source.video_id] = path
        self._inputs.add({"video": video, "path": path} for video, path in new.items())
        self._paths.update(new)

    def note(self, video: str, status: str, reason: str, times: int = 1) -> None:
        """Add a row about a video; the latest one counts. ``times`` is how often that was so."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._notes.add(
            [{"video": video, "status": status, "reason": reason, "when": when, "times": times}]
        )

    def note_dropped(self, video: str, dropped: Mapping[str, int]) -> None:
        """Add a row about what was thrown away of a video; the latest one counts."""
        self._drops.add([{"video": video, "dropped": dict(dropped)}])

    def dropped(self) -> dict[str, dict[str, int]]:
        """What was thrown away, by video and reason, where anything was."""
        latest = {row["video"]: row.get("dropped") for row in _rows(self._drops)}
        return {
            video: dropped
            for video, dropped in latest.items()
            if dropped and isinstance(dropped, dict)
        }

    def notes(self, videos: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """The latest row about each of these videos, or about every one."""
        latest = {row["video"]: row for row in _rows(self._notes)}
        return (
            latest
            if videos is None
            else {video: latest[video] for video in videos if video in latest}
        )

    def read(self, videos: Iterable[str] | None = None) -> Account:
        """The account of these inputs, or of all that are in the books."""
        there = frozenset(self.stage.done())
        inputs = (
            there.union(row["video"] for row in _rows(self._inputs))
            if videos is None
            else frozenset(videos)
        )
        done, missing = inputs & there, inputs - there
        noted = sorted(
            (video, row.get("status"), row.get("reason", "")) for video, row in self.notes().items()
        )
        failed = {
            video: reason
            for video, status, reason in noted
            if status == FAILED and video in missing
        }
        partial = {
            video: reason for video, status, reason in noted if status == PARTIAL and video in done
        }
        dropped = {video: counts for video, counts in self.dropped().items() if video in done}
        return Account(done, failed, inputs.difference(done, failed), partial, dropped)


def _is_still(noted: str, path: str, video: str) -> bool:
    """Whether a file that was entered is there, and is the one that ``path`` names; InputError if it is another.

    A copy, told by its size, is the same video elsewhere. So is what a stage before wrote, whose name is its id: its work
    folder was copied. To what a relative path led, as versions before entered them, is not known.
    """
    was, now = _stat(noted), _stat(path)
    if was is None or not os.path.isabs(noted):
        return False
    if now and os.path.samestat(was, now):
        return True
    if not (now and was.st_size == now.st_size) and os.path.basename(path) != f"{video}.parquet":
        raise twins(noted, path, repr(video))
    return False


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # of a name that rot has put a NUL into
        return None


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
            if not pc.all(pc.equal(table.column("video_id"), video), min_count=0).as_py():
                found[video] = (
                    f"{path} holds rows of another video: delete it and run its stage again"
                )
            elif "index" in table.column_names and table.column("index").to_pylist() != list(
                range(table.num_rows)
            ):
                found[video] = (
                    f"{path} has rows twice, or not all: delete it and run its stage again"
                )
            elif not is_as_written(table, path):
                found[video] = f"{path} is not as it was written: delete it and run its stage again"
        except InputError as error:
            found[video] = str(error)
        except (
            KeyError,
            ValueError,
            pa.ArrowException,
        ) as error:  # names that are none, types that no file can hold
            found[video] = f"{path} cannot be read ({error}): delete it and run its stage again"
        progress(f"verify {stage.folder.name}", count, len(videos))
    return found
