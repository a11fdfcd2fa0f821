"""What the command line shows: progress bars, reports, tables."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from videobert.cli.pace import Pace
from workfolder.ledger import total
from workfolder.progress import Progress
from workfolder.report import told

if TYPE_CHECKING:
    from tokenization.inspection import CodebookReport
    from workfolder.ledger import Account

TENTHS, MINUTE = 10, 60.0
"""Without a terminal a line is printed for each tenth of a stage, and for each minute."""
MISSING_SHOWN, REASONS_SHOWN = 10, 20


class ProgressShown(Progress, Protocol):
    """A Progress that can make room for other output."""

    def pause(self) -> None:
        """Leave the screen as it is until the next call."""


@contextmanager
def progress_bars() -> Iterator[ProgressShown]:
    """Yield a Progress that draws bars on a terminal and prints lines elsewhere, on stderr."""
    console = Console(stderr=True)
    shown: ProgressShown = _Bars(console) if console.is_terminal else _Lines()
    try:
        yield shown
    finally:
        shown.pause()


class _Bars:
    """A bar a stage on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._paces: dict[str, Pace] = {}

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        if self._bars is None:
            self._bars = self._started()
        if stage not in self._tasks:
            # What earlier runs did says nothing about the speed of this one.
            self._paces[stage] = Pace(now, done)
            self._tasks[stage] = self._bars.add_task(stage, total=total, detail="", left="")
        task, pace = self._tasks[stage], self._paces[stage]
        if done < pace.done:  # it runs again
            self._bars.reset(task)
        left = _spelled(pace.left(now, done, total))
        self._bars.update(task, completed=done, total=total, detail=detail, left=left)

    def pause(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._tasks = None, {}

    def _started(self) -> Bars:
        columns = [
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[cyan]{task.fields[left]}"),
            TextColumn("[dim]{task.fields[detail]}"),
        ]
        bars = Bars(*columns, console=self._console)
        bars.start()
        return bars


class _Lines:
    """Lines for a log, each with the time that is left at the pace so far."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._printed: dict[str, tuple[float, int]] = {}

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        now, tenth = time.monotonic(), done * TENTHS // max(total, 1)
        left = self._paces.setdefault(stage, Pace(now, done)).left(now, done, total)
        printed, printed_tenth = self._printed.setdefault(stage, (now, tenth))
        if tenth == printed_tenth and now - printed < MINUTE:
            return
        self._printed[stage] = now, tenth
        parts = [detail] * bool(detail)
        if left is not None and done < total:
            parts.append(f"{_spelled(left)} left")
        sys.stderr.write(f"{stage}: {done:,} of {total:,}{', ' * bool(parts)}{', '.join(parts)}\n")
        sys.stderr.flush()

    def pause(self) -> None:
        return


def _spelled(seconds: float | None) -> str:
    """Spell a time as 1:02:03, or as -:--:-- where it is not known."""
    return "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))


def print_failures(failures: Mapping[str, str]) -> None:
    """Print the first reasons of failures on stderr."""
    sys.stdout.flush()  # what came before may be a line about the same stage
    reasons = list(failures.values())
    for reason in reasons[:REASONS_SHOWN]:
        sys.stderr.write(f"videobert: {reason}\n")
    if len(reasons) > REASONS_SHOWN:
        more = f"{len(reasons) - REASONS_SHOWN:,} more"
        sys.stderr.write(f"videobert: and {more}, see failures.jsonl or videobert status\n")


def print_report(report: object, as_json: bool) -> None:
    """Print a report as JSON, or as it tells itself."""
    if as_json:
        print_json(report)
    else:
        print_line(str(report))


def print_json(value: Any) -> None:
    """Print JSON, for a program."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only, default=as_json)
    sys.stdout.write(f"{text}\n")


def as_json(thing: Any) -> Any:
    """Make what JSON can hold of a set or an object."""
    return sorted(thing) if isinstance(thing, set | frozenset) else vars(thing)


def print_accounts(title: str, accounts: Mapping[str, Account]) -> None:
    """Print what became of every input of each stage, and the reasons."""
    counts = [
        [len(a.done), len(a.partial), len(a.failed), len(a.waiting)] for a in accounts.values()
    ]
    rows = [
        [name, *(f"{count:,}" for count in row)] for name, row in zip(accounts, counts, strict=True)
    ]
    print_table(title, ["stage", "done", "of them partial", "failed", "waiting"], rows)
    for name, account in accounts.items():
        for video, reason in {**account.partial, **account.failed}.items():
            print_line(f"{name}: {video}: {reason}")
        if account.dropped:
            dropped = told(total(account.dropped))
            print_line(f"{name}: dropped {dropped}, of {len(account.dropped):,} videos")
        if account.passed_over:
            print_line(f"{name}: passed over {told(total(account.passed_over))}")


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, for a person; the first column is text, the others are figures."""
    # Rich reads brackets in a str as markup, and in a Text as they are.
    table = Table(title=Text(title), title_justify="left")
    for place, name in enumerate(header):
        table.add_column(Text(name), justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_missing(unseen: int, missing: Sequence[str]) -> None:
    """Print how many segments have no clip, and which videos are not there."""
    if unseen:
        print_line(f"{unseen:,} segments have no clip")
    if missing:
        more = (
            f" and {len(missing) - MISSING_SHOWN:,} more (--json names all)"
            if len(missing) > MISSING_SHOWN
            else ""
        )
        print_line(f"missing videos, {len(missing):,}: {', '.join(missing[:MISSING_SHOWN])}{more}")


def print_figures(name: str, what: str, figures: Mapping[str, float]) -> None:
    """Print a table of names and numbers."""
    rows = [
        [figure, f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"]
        for figure, value in figures.items()
    ]
    print_table(name, [what, ""], rows)


def print_codebook(name: str, report: CodebookReport) -> None:
    """Print a codebook's figures."""
    rows = [
        [
            str(level.level),
            f"{level.nodes:,}",
            f"{level.smallest:,}",
            f"{level.median:,g}",
            f"{level.largest:,}",
            f"{level.share:.1%}",
        ]
        for level in report.levels
    ]
    print_table(name, ["level", "nodes", "smallest", "median", "largest", "inertia"], rows)
    print_line(
        f"{report.words_in_use:,} of {report.words:,} words in use, "
        f"perplexity {report.perplexity:,.1f}"
    )


def print_line(text: str) -> None:
    """Print a line as it is."""
    sys.stdout.write(f"{text}\n")
