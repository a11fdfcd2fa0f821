"""What became of the inputs of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from workfolder.attempt import Outcome
from workfolder.ledger import Account

REASONS_TOLD = 10


@dataclass
class Report:
    """What became of the inputs of one run, filled in as they are done.

    Attributes:
        before: how many earlier runs did.
        now: how many this one did.
        failures: reasons by video.
        partial: reasons by video.
        rows: how many were written now.
        covered: seconds of video that these rows cover.
        seconds: how long they took, by part, summed over the videos; ``all`` is by the clock.
        dropped: how much was thrown away now, by reason.
        passed_over: files in the given folders that were not read, by suffix.
    """

    stage: str
    before: int
    now: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    covered: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    passed_over: dict[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every input is done."""
        return not self.failures

    def add(self, outcome: Outcome) -> None:
        """Count what became of one video."""
        if outcome.failure:
            self.failures[outcome.source.video_id] = outcome.failure
        else:
            self.now += 1
        self.rows += outcome.rows
        self.covered += outcome.covered
        self.dropped.update(outcome.dropped)
        for part, seconds in outcome.seconds.items():
            self.seconds[part] = self.seconds.get(part, 0.0) + seconds

    def settle(self, account: Account, seconds: float) -> None:
        """Complete the report of a run that went through all its inputs.

        Args:
            account: the account of these inputs now.
            seconds: how long the run took by the clock.

        Raises:
            RuntimeError: if the books do not add up.
        """
        if account.waiting:
            lost = sorted(account.waiting)
            raise RuntimeError(
                f"{self.stage}: {len(lost)} inputs are neither done nor failed, such as {lost[:3]}"
            )
        # What is done and failed now keeps its rows: its failure is not in the account.
        self.failures = account.failed | self.failures
        self.partial = account.partial
        self.seconds["all"] = seconds

    def __str__(self) -> str:
        counts = f"{self.now} done now, {self.before} done already"
        if self.partial:
            counts += f", {len(self.partial)} partial in all"
        if self.failures:
            counts += f", {len(self.failures)} failed (--retry-failed tries them again)"
        if not (self.now or self.partial or self.failures):
            counts = "done already, nothing to do"
        parts = [counts]
        parts += [f"dropped {told(self.dropped)}"] * bool(self.dropped)
        parts += [f"passed over {told(self.passed_over)}"] * bool(self.passed_over)
        times = [f"{part} {taken:.1f} s" for part, taken in self.seconds.items() if part != "all"]
        parts += [", ".join(times)] * bool(self.now and times)
        return f"{self.stage}: {'; '.join(parts)}"


def told(counts: Mapping[str, int]) -> str:
    """Put numbers by reason into words, the largest first."""
    largest_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{count:,} {reason}" for reason, count in largest_first[:REASONS_TOLD]]
    others = largest_first[REASONS_TOLD:]
    if others:
        words.append(f"{sum(count for _, count in others):,} of {len(others)} other kinds")
    return ", ".join(words)
