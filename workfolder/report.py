"""What became of the inputs of a run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from workfolder.accounts import Account
from workfolder.attempt import Outcome
from workfolder.progress import Progress


@dataclass(frozen=True)
class Report:
    """What became of the inputs of one run.

    Attributes:
        before, now: done by earlier runs, done by this one.
        failures, partial: reasons by video.
        rows: how many were written now.
        seconds: how long that took, by part, summed over the videos; and ``all`` of it by the clock.
        dropped: how much was thrown away now, by reason.
    """

    stage: str
    before: int
    now: int
    failures: dict[str, str] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every input is done."""
        return not self.failures

    def __str__(self) -> str:
        if not self.now and self.complete and not self.partial:
            return f"{self.stage}: done already, nothing to do"
        counts = f"{self.stage}: {self.now} done now, {self.before} done already"
        if self.partial:
            counts += f", {len(self.partial)} partial in all"
        if self.failures:
            counts += f", {len(self.failures)} failed (--retry-failed tries them again)"
        if self.dropped:
            counts += f"; dropped {told_dropped(self.dropped)}"
        parts = ", ".join(
            f"{part} {seconds:.1f} s" for part, seconds in self.seconds.items() if part != "all"
        )
        return f"{counts}; {parts}" if parts and self.now else counts


def told_dropped(dropped: Mapping[str, int]) -> str:
    """How much was thrown away, the most first, in words."""
    most_first = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in most_first)


class Tally:
    """Counts outcomes and tells how fast they come."""

    def __init__(self, name: str, total: int, settled: int, progress: Progress) -> None:
        self._name, self._total, self._settled, self._progress = name, total, settled, progress
        self._begin = time.monotonic()
        self._rows, self._video_seconds, self._count = 0, 0.0, 0
        self._seconds: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self.failures: dict[str, str] = {}
        progress(name, settled, total)

    def add(self, outcome: Outcome) -> None:
        """Count what became of one video, and tell how fast they come."""
        self._count += 1
        if outcome.failure:
            self.failures[outcome.source.video_id] = outcome.failure
        self._rows += outcome.rows
        self._video_seconds += outcome.end
        self._seconds.update(outcome.seconds)
        self._dropped.update(outcome.dropped)
        self._progress(self._name, self._settled + self._count, self._total, self._pace())

    def _pace(self) -> str:
        elapsed = max(time.monotonic() - self._begin, 1e-3)
        return f"{self._rows / elapsed:.1f} rows/s, {self._video_seconds / elapsed:.1f} x real time"

    def report(self, account: Account, before: int) -> Report:
        """The report of a run that went through all inputs; RuntimeError if the books do not add up."""
        if account.waiting:
            lost = sorted(account.waiting)
            raise RuntimeError(
                f"{self._name}: {len(lost)} inputs are neither done nor failed, such as {lost[:3]}"
            )
        seconds = dict(self._seconds) | {"all": time.monotonic() - self._begin}
        now = self._count - len(self.failures)
        # what was partial and fails now keeps its rows: its failure is not in the account
        return Report(
            self._name,
            before,
            now,
            account.failed | self.failures,
            account.partial,
            self._rows,
            seconds,
            dict(self._dropped),
        )
