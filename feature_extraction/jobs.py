"""The same work for many videos: what is done is skipped, a failure is a row, every input is accounted for."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from feature_extraction.accounts import FAILED, PARTIAL, WHOLE, Account, Accounts
from feature_extraction.errors import InputError, refuse_unknown
from feature_extraction.guard import Limits
from feature_extraction.progress import Progress, silent
from feature_extraction.sources import Source
from feature_extraction.storage import Stage, write_table

logger = logging.getLogger(__name__)

RUNNERS = ("local", "ray")


@dataclass(frozen=True)
class JobOptions:
    """How many videos are gone through; nothing here changes what is written.

    Attributes:
        workers: videos at a time.
        runner: ``local``, or ``ray`` for the nodes of a Ray cluster that share the disk.
        timeout: seconds that reading one file may take.
        retry_failed: try those again that failed or were partial in an earlier run.
        max_failures: stop after so many; None never stops.
    """

    workers: int = 1
    runner: str = "local"
    timeout: float = Limits.seconds
    retry_failed: bool = False
    max_failures: int | None = None

    def __post_init__(self) -> None:
        """InputError if there is no such runner."""
        refuse_unknown("--runner", self.runner, RUNNERS)

    @property
    def limits(self) -> Limits:
        """What one file may take."""
        return Limits(self.timeout)


@dataclass(frozen=True)
class Made:
    """What a stage made of one video.

    Attributes:
        partial: why the video was not whole, if it was not.
        seconds: how long it took, by part.
    """

    table: pa.Table
    partial: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


class Work(ABC):
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


@dataclass(frozen=True)
class Report:
    """What became of the inputs of one run.

    Attributes:
        before, now: done by earlier runs, done by this one.
        failures, partial: reasons by video.
        rows: how many were written now.
        seconds: how long that took, by part, summed over the videos; and ``all`` of it by the clock.
    """

    stage: str
    before: int
    now: int
    failures: dict[str, str] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

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
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in self.seconds.items() if part != "all")
        return f"{counts}; {parts}" if parts and self.now else counts


@dataclass(frozen=True)
class Outcome:
    """What became of one video now: its rows are written, or ``failure`` says why not, or ``stop`` why none can be."""

    source: Source
    failure: str | None = None
    stop: str | None = None
    rows: int = 0
    end: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """Work for one video, its result written and its failure caught, so that one video costs only itself."""

    stage: Stage
    work: Work
    again: frozenset[str] = frozenset()
    """Videos that are done, and done again."""
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the books say of videos, see Accounts.notes."""

    def __call__(self, source: Source) -> Outcome:
        """Do it, unless another run has done it in the meantime."""
        path = self.stage.path(source.video_id)
        if path.exists() and source.video_id not in self.again:
            return Outcome(source)
        try:
            self.work.prepare()
        except InputError as error:
            return Outcome(source, stop=str(error))
        try:
            if source.refusal:
                raise InputError(source.refusal)
            made = self.work(source)
        except InputError as error:
            return Outcome(source, failure=str(error))
        except Exception as error:  # a bug met by one video in 300,000 must not cost the others
            logger.exception("%s of %s", self.stage.folder.name, source.path)
            return Outcome(source, failure=f"{source.path}: unexpected {type(error).__name__}: {error}")
        begin = time.perf_counter()
        try:
            self._write(source, made)
        except InputError as error:
            return Outcome(source, stop=str(error))
        seconds = {**made.seconds, "write": time.perf_counter() - begin}
        return Outcome(source, None, None, made.table.num_rows, _end(made.table), seconds)

    def _write(self, source: Source, made: Made) -> None:
        """A kill between note and rows leaves a video that seems partial, never one that seems whole and is not."""
        accounts, noted = Accounts(self.stage), self.notes.get(source.video_id, {})
        if made.partial:
            accounts.note(source.video_id, PARTIAL, f"{source.path} {made.partial}", noted.get("times", 0) + 1)
        write_table(made.table, self.stage.path(source.video_id))
        if not made.partial and noted.get("status") == PARTIAL:
            accounts.note(source.video_id, WHOLE, f"{source.path} is whole")


def run_job(
    stage: Stage,
    sources: Sequence[Source],
    work: Work,
    options: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Do ``work`` for each source whose file is not there yet, and write what it returns.

    A source whose work raises is noted in failures.jsonl. InputError if the disk cannot be written to, the work cannot be
    made ready, or more sources fail than ``options.max_failures``; what was finished is kept.
    """
    stage.sweep()
    accounts = Accounts(stage)
    accounts.expect(sources)
    videos = frozenset(source.video_id for source in sources)
    before = accounts.read(videos)
    again = frozenset(before.partial) if options.retry_failed else frozenset()
    waiting = _waiting(before, sources, options)
    tally = _Tally(stage.folder.name, len(sources), len(sources) - len(waiting), progress)
    notes = accounts.notes(source.video_id for source in waiting)
    for outcome in _outcomes(Task(stage, work, again, notes), waiting, options):
        video = outcome.source.video_id
        if outcome.stop:
            raise InputError(outcome.stop)
        if outcome.failure:
            # what could not be done again keeps its rows, which are partial still
            status = PARTIAL if video in again else FAILED
            accounts.note(video, status, outcome.failure, notes.get(video, {}).get("times", 0) + 1)
        tally.add(outcome)
        if options.max_failures is not None and len(tally.failures) > options.max_failures:
            raise InputError(f"{stage.folder.name} stopped after {len(tally.failures)} failures, the last: {outcome.failure}")
    return tally.report(accounts.read(videos), len(before.done - again))


def make_ready(work: Work, stage: Stage, sources: Sequence[Source], options: JobOptions) -> None:
    """Prepare the work if there is any, before the stage is claimed for what cannot be had; Ray's actors do so themselves."""
    account = Accounts(stage).read(source.video_id for source in sources)
    if options.runner == "local" and _waiting(account, sources, options):
        work.prepare()


def _waiting(account: Account, sources: Sequence[Source], options: JobOptions) -> list[Source]:
    """What has to be done: not what is done or failed, unless it is partial or failed and tried again."""
    settled = account.done - account.partial.keys() if options.retry_failed else account.done | account.failed.keys()
    return [source for source in sources if source.video_id not in settled]


def _outcomes(task: Task, sources: Sequence[Source], options: JobOptions) -> Iterator[Outcome]:
    if options.runner == "ray":
        from feature_extraction.ray_runner import ray_outcomes

        return ray_outcomes(task, sources, options.workers)
    return _local_outcomes(task, sources, options.workers)


def _local_outcomes(task: Task, sources: Sequence[Source], workers: int) -> Iterator[Outcome]:
    """Outcomes as they come; few futures are held, however many the sources.

    Threads are enough: what takes time runs in other processes (decoding) or outside Python (networks, matrices).
    """
    remaining = iter(sources)
    with ThreadPoolExecutor(workers) as pool:
        try:
            running: set[Future[Outcome]] = {pool.submit(task, source) for source in islice(remaining, workers)}
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(task, source) for source in islice(remaining, len(finished))}
                for future in finished:
                    yield future.result()
        finally:  # where the job is left early, the videos in flight end with their processes
            task.work.close()


def _end(table: pa.Table) -> float:
    """Seconds of video that a table covers."""
    return table.column("end")[-1].as_py() if table.num_rows and "end" in table.column_names else 0.0


class _Tally:
    """Counts outcomes and tells how fast they come."""

    def __init__(self, name: str, total: int, settled: int, progress: Progress) -> None:
        self._name, self._total, self._settled, self._progress = name, total, settled, progress
        self._begin = time.monotonic()
        self._rows, self._video_seconds, self._count = 0, 0.0, 0
        self._seconds: Counter[str] = Counter()
        self.failures: dict[str, str] = {}
        progress(name, settled, total)

    def add(self, outcome: Outcome) -> None:
        self._count += 1
        if outcome.failure:
            self.failures[outcome.source.video_id] = outcome.failure
        self._rows += outcome.rows
        self._video_seconds += outcome.end
        self._seconds.update(outcome.seconds)
        self._progress(self._name, self._settled + self._count, self._total, self._pace())

    def _pace(self) -> str:
        elapsed = max(time.monotonic() - self._begin, 1e-3)
        return f"{self._rows / elapsed:.1f} rows/s, {self._video_seconds / elapsed:.1f} x real time"

    def report(self, account: Account, before: int) -> Report:
        """The report of a run that went through all inputs; RuntimeError if the books do not add up."""
        if account.waiting:
            lost = sorted(account.waiting)
            raise RuntimeError(f"{self._name}: {len(lost)} inputs are neither done nor failed, such as {lost[:3]}")
        seconds = dict(self._seconds) | {"all": time.monotonic() - self._begin}
        now = self._count - len(self.failures)
        # what was partial and fails now keeps its rows: its failure is not in the account
        return Report(self._name, before, now, account.failed | self.failures, account.partial, self._rows, seconds)
