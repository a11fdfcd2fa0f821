"""The same work for many videos: what is done is skipped, a failure is a row, every input is accounted for."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import pyarrow as pa

from feature_extraction.errors import InputError
from feature_extraction.progress import Progress, silent
from feature_extraction.sources import Source
from feature_extraction.storage import FAILURES_FILE, Stage, write_table

logger = logging.getLogger(__name__)

Work = Callable[[Source], pa.Table]
"""What a stage does for one video; it must be picklable, and keeps what is costly to make (a model) to itself."""


@dataclass(frozen=True)
class Report:
    """What became of the inputs of one run: done by an earlier run, done now, failed now with a reason."""

    stage: str
    before: int
    now: int
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every input is done."""
        return not self.failures

    def __str__(self) -> str:
        if not self.now and self.complete:
            return f"{self.stage}: done already, nothing to do"
        counts = f"{self.stage}: {self.now} done now, {self.before} done already"
        return counts if self.complete else f"{counts}, {len(self.failures)} failed"


@dataclass(frozen=True)
class _Outcome:
    video_id: str
    failure: str | None


def run_job(stage: Stage, sources: Sequence[Source], work: Work, workers: int = 1, progress: Progress = silent) -> Report:
    """Do ``work`` for each source whose file is not there yet, in ``workers`` processes, and write what it returns.

    A source whose work raises is a row of failures.jsonl and is tried again by the next run.
    InputError if a worker process dies.
    """
    there = set(stage.done())
    waiting = [source for source in sources if source.video_id not in there]
    before, done = len(sources) - len(waiting), 0
    failures: dict[str, str] = {}
    name = stage.folder.name
    progress(name, before, len(sources))
    for outcome in _outcomes(_Task(stage, work), waiting, workers):
        if outcome.failure is None:
            done += 1
        else:
            failures[outcome.video_id] = outcome.failure
            _note_failure(stage, outcome)
        progress(name, before + done + len(failures), len(sources), outcome.video_id)
    if before + done + len(failures) != len(sources):
        raise RuntimeError(f"{name}: {len(sources)} inputs, but {before} + {done} done and {len(failures)} failed")
    return Report(name, before, done, failures)


def failed(stage: Stage) -> dict[str, str]:
    """The videos that failed and have not been done since, each with its latest reason."""
    there = set(stage.done())
    return {row["video"]: row["reason"] for row in _failure_rows(stage) if row["video"] not in there}


@dataclass(frozen=True)
class _Task:
    """Work for one source, with its result written and its failure caught, so that one video costs only itself."""

    stage: Stage
    work: Work

    def __call__(self, source: Source) -> _Outcome:
        try:
            write_table(self.work(source), self.stage.path(source.video_id))
        except InputError as error:
            return _Outcome(source.video_id, str(error))
        except Exception as error:  # a bug met by one video in 300,000 must not cost the others
            logger.exception("%s of %s", self.stage.folder.name, source.path)
            return _Outcome(source.video_id, f"{source.path}: unexpected {type(error).__name__}: {error}")
        return _Outcome(source.video_id, None)


def _outcomes(task: _Task, sources: Sequence[Source], workers: int) -> Iterator[_Outcome]:
    if workers == 1 or len(sources) <= 1:
        yield from map(task, sources)
        return
    # spawn: a forked child would inherit the threads of torch and OpenVINO in whatever state they are.
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(sources))
    try:
        with ProcessPoolExecutor(count, context, initializer=_set_task, initargs=(task,)) as pool:
            yield from _as_completed(pool, sources, in_flight=2 * count)
    except BrokenProcessPool as error:
        raise InputError(
            f"{task.stage.folder}: a worker process died, perhaps for want of memory; "
            "what was finished is kept: run again, with fewer --workers"
        ) from error


def _as_completed(pool: ProcessPoolExecutor, sources: Sequence[Source], in_flight: int) -> Iterator[_Outcome]:
    """Outcomes as they come; few futures are held, however many the sources."""
    remaining = iter(sources)
    running: set[Future[_Outcome]] = {pool.submit(_do_task, source) for source in islice(remaining, in_flight)}
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(_do_task, source) for source in islice(remaining, len(finished))}
        for future in finished:
            yield future.result()


_task: _Task


def _set_task(task: _Task) -> None:
    """Hand a worker process its task once, so that the model behind it is built once a process."""
    global _task
    _task = task
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its workers; without this they would wait for ever, model and all."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in worker processes only
    parent.join()
    os._exit(1)


def _do_task(source: Source) -> _Outcome:
    return _task(source)


def _note_failure(stage: Stage, outcome: _Outcome) -> None:
    times = sum(row["video"] == outcome.video_id for row in _failure_rows(stage))
    row = {
        "video": outcome.video_id,
        "reason": outcome.failure,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "times": times + 1,
    }
    with (stage.folder / FAILURES_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _failure_rows(stage: Stage) -> list[dict[str, str]]:
    path = stage.folder / FAILURES_FILE
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
