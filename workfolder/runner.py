"""One maker for many videos.

What is done is skipped, a failure is a row in the books, every input is accounted for. Videos come
from sources.py, a maker makes their rows, attempt.py writes them, and report.py tells the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any

from workfolder.attempt import Attempt, Outcome, prepare
from workfolder.errors import InputError
from workfolder.ledger import FAILED, PARTIAL, REFUSED, Account, Ledger, total
from workfolder.maker import Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.scratch import Scratch
from workfolder.sources import Source, Sources
from workfolder.stage import Stage

START_OVER = (
    "use those, or another folder, or --start-over, which puts this one aside and makes it anew"
)
AHEAD = 2
"""Videos that are handed to each worker: it need not wait until the outcome of one is entered."""


def run_job(
    stage: Stage,
    sources: Sequence[Source],
    maker: Maker,
    options: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Make and write the rows of each source whose file is not there yet.

    A source that fails or is refused is noted in failures.jsonl, and the others go on.

    Raises:
        InputError: if the disk cannot be written, the maker cannot be prepared, or more sources
            fail than ``options.max_failures``. What was finished is kept.
    """
    begin = time.monotonic()
    stage.sweep()
    ledger = Ledger(stage)
    plan = _plan(ledger, sources, options)
    ledger.expect(sources, plan.refused)
    ledger.note(REFUSED, plan.newly_refused, plan.notes)
    report = Report(stage.folder.name, plan.before, failures=dict(plan.refused))
    if isinstance(sources, Sources):
        ledger.note_passed_over(sources.passed_over)
        report.passed_over.update(total(sources.passed_over))
    settled = len(sources) - len(plan.waiting)
    progress(report.stage, settled, len(sources))
    dropped = frozenset(ledger.dropped()) if plan.waiting else frozenset()
    scratch = _scratch(plan.waiting, options)
    attempt = Attempt(stage, maker, plan.redo, plan.notes, dropped, stage.identity(), scratch)
    for count, outcome in enumerate(_outcomes(attempt, plan.waiting, options), 1):
        if outcome.stop:
            raise InputError(outcome.stop)
        report.add(outcome)
        if outcome.failure:
            video = outcome.source.video_id
            # What could not be done again keeps its rows, which are still partial.
            status = PARTIAL if video in plan.redo else FAILED
            ledger.note(status, {video: outcome.failure}, plan.notes)
        pace = _pace(count, report.covered, time.monotonic() - begin)
        progress(report.stage, settled + count, len(sources), pace)
        failed = len(report.failures) - len(plan.refused)
        if options.max_failures is not None and failed > options.max_failures:
            raise InputError(
                f"{report.stage} stopped after {failed} failures, the last: {outcome.failure}"
            )
    untouched = not (plan.waiting or plan.newly_refused)
    account = plan.account if untouched else ledger.read(each.video_id for each in sources)
    report.settle(account, time.monotonic() - begin)
    return report


def begin(
    stage: Stage,
    sources: Sequence[Source],
    maker: Maker,
    made_with: Mapping[str, Any],
    options: JobOptions,
) -> None:
    """Prepare the maker if it has anything to do, then claim the stage.

    So no stage is claimed, or put aside, for what cannot be had. Ray's actors prepare theirs.

    Args:
        made_with: the options that options.json notes.

    Raises:
        InputError: if the maker cannot be prepared, or if other options made the stage and
            ``options.start_over`` does not put that aside.
    """
    start_over = options.start_over and stage.is_of_other_options(made_with)
    if options.runner == "local" and (start_over or _is_waiting(stage, sources, options)):
        prepare(maker, stage)
    if start_over:
        stage.put_aside()
    stage.claim(made_with, START_OVER)


def _is_waiting(stage: Stage, sources: Sequence[Source], options: JobOptions) -> bool:
    """Whether a job has anything to do. The books are not read where every file is there."""
    there = frozenset(stage.done())
    if not options.retry_failed and all(source.video_id in there for source in sources):
        return False
    return bool(_plan(Ledger(stage), sources, options).waiting)


@dataclass(frozen=True)
class _Plan:
    """What a job has to do.

    Attributes:
        account: what has become of the inputs so far.
        before: how many inputs are done and stay so.
        waiting: what has to be done.
        redo: those of them whose rows are there.
        refused: reasons by video, for what must not be read.
        newly_refused: those of them that the books do not know yet.
        notes: the latest rows about what is waiting or newly refused.
    """

    account: Account
    before: int
    waiting: list[Source]
    redo: frozenset[str]
    refused: dict[str, str]
    newly_refused: dict[str, str]
    notes: Mapping[str, Mapping[str, Any]]


def _plan(ledger: Ledger, sources: Sequence[Source], options: JobOptions) -> _Plan:
    account = ledger.read(source.video_id for source in sources)
    refused, notes = ledger.refused(sources), ledger.notes()
    again = options.retry_failed
    redo = frozenset(account.partial.keys() - refused.keys() if again else ())
    # Where a refusal no longer holds, nobody has to ask for another try.
    failed = {video for video in account.failed if not again and notes[video]["status"] != REFUSED}
    settled = (account.done - redo).union(failed, refused)
    waiting = [source for source in sources if source.video_id not in settled]
    newly_refused = {
        video: reason
        for video, reason in refused.items()
        if video not in account.done and account.failed.get(video) != reason
    }
    touched = {source.video_id for source in waiting}.union(newly_refused)
    return _Plan(
        account=account,
        before=len(account.done - redo - refused.keys()),
        waiting=waiting,
        redo=redo,
        refused=refused,
        newly_refused=newly_refused,
        notes={video: notes[video] for video in touched if video in notes},
    )


def _pace(videos: int, covered: float, elapsed: float) -> str:
    """Tell how fast videos come, in the unit that moves."""
    a_second = videos / max(elapsed, 1e-3)
    rate, unit = next(
        (a_second * seconds, unit)
        for seconds, unit in ((1, "s"), (60, "min"), (3600, "h"))
        if a_second * seconds >= 1 or unit == "h"
    )
    return f"{rate:.1f} videos/{unit}, {covered / max(elapsed, 1e-3):.1f} x real time"


def _scratch(sources: Sequence[Source], options: JobOptions) -> Scratch | None:
    """Begin to fetch what is not on this disk; None where everything is."""
    if not any(source.is_elsewhere for source in sources):
        return None
    if options.runner == "ray":
        raise InputError(
            "--runner ray fetches no videos from addresses or tar files: take --shard instead"
        )
    ahead = 2 * options.workers
    return Scratch(sources, ahead, options.scratch, options.scratch_gb, options.patience)


def _outcomes(
    attempt: Attempt, sources: Sequence[Source], options: JobOptions
) -> Iterator[Outcome]:
    if options.runner == "ray":
        from workfolder.ray_runner import ray_outcomes

        return ray_outcomes(attempt, sources, options.workers)
    return _local_outcomes(attempt, sources, options.workers)


def _local_outcomes(attempt: Attempt, sources: Sequence[Source], workers: int) -> Iterator[Outcome]:
    """Yield outcomes as they come; few futures are held, however many the sources.

    Threads are enough: what takes time runs in other processes (decoding) or outside Python
    (networks, matrices).
    """
    remaining = iter(sources)
    with ThreadPoolExecutor(workers) as pool:
        try:
            running: set[Future[Outcome]] = {
                pool.submit(attempt, source) for source in islice(remaining, AHEAD * workers)
            }
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {
                    pool.submit(attempt, source) for source in islice(remaining, len(finished))
                }
                for future in finished:
                    yield future.result()
        finally:  # where the job is left early, the videos in flight end with their processes
            pool.shutdown(wait=False, cancel_futures=True)
            if attempt.scratch:
                attempt.scratch.close()
            attempt.maker.close()
