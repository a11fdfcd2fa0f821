"""The books of a stage: what became of every input, in three sets that add up."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workfolder.addresses import as_address
from workfolder.json_lines import append_rows, read_rows
from workfolder.sources import Source
from workfolder.stage import Stage
from workfolder.video_ids import same_id

FAILED, REFUSED, PARTIAL, WHOLE = "failed", "refused", "partial", "whole"
"""What failures.jsonl says of a video: it failed; it was refused unopened; its rows are there but
not all; it was partial and is whole now."""


@dataclass(frozen=True)
class Account:
    """The inputs of a stage by what became of them.

    Attributes:
        done: videos whose rows are there.
        failed: reasons by video.
        waiting: videos that are neither.
        partial: reasons by video; these are done too.
        dropped: what was thrown away of the videos that are done: numbers by video and reason.
        passed_over: files that were not read: numbers by folder and suffix.
    """

    done: frozenset[str]
    failed: dict[str, str]
    waiting: frozenset[str]
    partial: dict[str, str]
    dropped: dict[str, dict[str, int]] = field(default_factory=dict)
    passed_over: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entered:
    """What inputs.jsonl says, as it was when it was first looked at, and what was added since.

    Where nothing is to be done, to read 300,000 rows takes most of the time.

    Attributes:
        paths: by video.
        pictures: by video, where its path is a file that was made of it.
        passed_over: numbers by folder and suffix.
    """

    paths: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> _Entered:
        """Read the file."""
        entered = cls()
        for row in read_rows(path):
            entered.add(row)
        return entered

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row. The latest about a video or a folder counts."""
        video, folder = row.get("video"), row.get("folder")
        if isinstance(video, str) and isinstance(row.get("path"), str):
            self.paths[video] = row["path"]
            if isinstance(row.get("pictures"), str):
                self.pictures[video] = row["pictures"]
        if isinstance(folder, str):
            counts = row.get("passed_over")
            self.passed_over[folder] = counts if isinstance(counts, dict) else {}


def total(counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """Add up numbers by reason, over all videos or folders."""
    added: Counter[str] = Counter()
    for one in counts.values():
        added.update(one)
    return added


@dataclass(frozen=True)
class Ledger:
    """Three files beside a stage's rows that are only ever appended to.

    ``inputs.jsonl`` has the path of each video, ``failures.jsonl`` what went wrong with it,
    ``dropped.jsonl`` what was thrown away of it. The latest row about a video counts. Damaged rows
    are skipped; the next run writes them again.
    """

    stage: Stage

    @property
    def _inputs(self) -> Path:
        return self.stage.folder / "inputs.jsonl"

    @property
    def _failures(self) -> Path:
        return self.stage.folder / "failures.jsonl"

    @property
    def _drops(self) -> Path:
        return self.stage.folder / "dropped.jsonl"

    @cached_property
    def _entered(self) -> _Entered:
        return _Entered.read(self._inputs)

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The id that was entered first among those that differ only in case, by its lower case."""
        return {video.casefold(): video for video in reversed(self._entered.paths)}

    def path_of(self, video: str) -> str | None:
        """Return the absolute path of a video's pictures when it was last entered.

        That is its own file, or the one that was named beside a file made of it.
        """
        return self._entered.pictures.get(video, self._entered.paths.get(video))

    def refused(self, sources: Iterable[Source]) -> dict[str, str]:
        """Return reasons by video, for those that must not be read.

        Either the source says so, or its id belongs to another file that was entered before and is
        still there.
        """
        found = {}
        for source in sources:
            path = source.where
            reason = source.refusal or self._conflict(source.video_id, path)
            if reason:
                found[source.video_id] = reason
        return found

    def expect(self, sources: Iterable[Source], refused: Container[str] = ()) -> None:
        """Enter inputs that are new, or that have moved and are not ``refused``."""
        entered, new = self._entered, {}
        for source in sources:
            video, path = source.video_id, source.where
            shown = source.pictures and os.path.abspath(source.pictures)
            noted = entered.paths.get(video)
            moved = noted and path != noted and not _same_file(noted, path)
            shown_elsewhere = shown and shown != entered.pictures.get(video)
            if noted is None or ((moved or shown_elsewhere) and video not in refused):
                new[video] = {
                    "video": video,
                    "path": path,
                    **({"pictures": shown} if shown else {}),
                }
        append_rows(self._inputs, new.values())
        for row in new.values():
            entered.add(row)

    def _conflict(self, video: str, path: str) -> str | None:
        """Return why ``path`` cannot be the video of that id; None if it can.

        A copy, told by its size, is the same video elsewhere. So is a file that an earlier stage
        wrote, whose name is its id: its work folder was copied.
        """
        owner = self._owners.setdefault(video.casefold(), video)
        noted = self._entered.paths.get(owner, path)
        if noted == path:
            return None
        if as_address(noted) and as_address(path):
            return same_id((noted, path), {owner, video})
        was = _stat(noted)
        if was is None:
            return None
        if owner == video:
            now = _stat(path)
            is_copy = now and (os.path.samestat(was, now) or was.st_size == now.st_size)
            if is_copy or os.path.basename(path) == f"{video}.parquet":
                return None
        return same_id((noted, path), {owner, video})

    def note(
        self,
        status: str,
        reasons: Mapping[str, str],
        earlier: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        """Add a row about each video.

        Args:
            status: one of FAILED, REFUSED, PARTIAL and WHOLE.
            reasons: by video.
            earlier: the latest row about each; the new one counts how often this happened.
        """
        when = datetime.now(UTC).isoformat(timespec="seconds")
        rows = (
            {
                "video": video,
                "status": status,
                "reason": reason,
                "when": when,
                "times": earlier.get(video, {}).get("times", 0) + 1,
            }
            for video, reason in reasons.items()
        )
        append_rows(self._failures, rows)

    def notes(self, videos: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Return the latest row about each of these videos, or about every one."""
        latest = {row["video"]: row for row in _about_videos(self._failures)}
        if videos is None:
            return latest
        return {video: latest[video] for video in videos if video in latest}

    def note_dropped(self, video: str, dropped: Mapping[str, int]) -> None:
        """Add a row about what was thrown away of a video, by reason."""
        append_rows(self._drops, [{"video": video, "dropped": dict(dropped)}])

    def dropped(self) -> dict[str, dict[str, int]]:
        """Return what was thrown away, by video and reason, where anything was."""
        latest = {row["video"]: row.get("dropped") for row in _about_videos(self._drops)}
        return {
            video: dropped
            for video, dropped in latest.items()
            if dropped and isinstance(dropped, dict)
        }

    def note_passed_over(self, passed_over: Mapping[str, Mapping[str, int]]) -> None:
        """Add a row about each folder whose files that were not read are others than before."""
        known = self._entered.passed_over
        rows = [
            {"folder": folder, "passed_over": dict(counts)}
            for folder, counts in passed_over.items()
            if counts != known.get(folder, {})
        ]
        append_rows(self._inputs, rows)
        for row in rows:
            self._entered.add(row)

    def read(self, videos: Iterable[str] | None = None) -> Account:
        """Return the account of these inputs, or of all that were ever entered.

        Only the latter tells what was dropped and passed over: a job asks for the former twice.
        """
        there = frozenset(self.stage.done())
        inputs = there.union(self._entered.paths) if videos is None else frozenset(videos)
        done, missing = inputs & there, inputs - there
        noted = sorted(
            (video, row.get("status"), row.get("reason", "")) for video, row in self.notes().items()
        )
        failed = {
            video: reason
            for video, status, reason in noted
            if status in (FAILED, REFUSED) and video in missing
        }
        partial = {
            video: reason for video, status, reason in noted if status == PARTIAL and video in done
        }
        account = Account(done, failed, inputs.difference(done, failed), partial)
        if videos is not None:
            return account
        dropped = {video: counts for video, counts in self.dropped().items() if video in done}
        entered = self._entered.passed_over
        passed_over = {folder: counts for folder, counts in entered.items() if counts}
        return replace(account, dropped=dropped, passed_over=passed_over)


def _about_videos(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows that are about a video."""
    return (row for row in read_rows(path) if isinstance(row.get("video"), str))


def _same_file(one: str, other: str) -> bool:
    was, now = _stat(one), _stat(other)
    return was is not None and now is not None and os.path.samestat(was, now)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # a damaged row may put a NUL into the path
        return None
