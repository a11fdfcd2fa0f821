"""The same maker for many videos: what is done is skipped, a failure is a row, every input is accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from workfolder.accounts import FAILED, PARTIAL, Account, Accounts
from workfolder.attempt import Attempt, Outcome
from workfolder.errors import InputError
from workfolder.maker import Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report, Tally
from workfolder.sources import Source
from workfolder.stage import Stage


def run_job(
    stage: Stage,
    sources: Sequence[Source],
    maker: Maker,
    options: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Do ``maker`` for each source whose file is not there yet, and write what it returns.

    A source whose maker raises is noted in failures.jsonl. InputError if the disk cannot be written to, the maker cannot be
    made ready, or more sources fail than ``options.max_failures``; what was finished is kept.
    """
    stage.sweep()
    accounts = Accounts(stage)
    accounts.expect(sources)
    videos = frozenset(source.video_id for source in sources)
    before = accounts.read(videos)
    again = frozenset(before.partial) if options.retry_failed else frozenset()
    waiting = _waiting(before, sources, options)
    tally = Tally(stage.folder.name, len(sources), len(sources) - len(waiting), progress)
    notes = accounts.notes(source.video_id for source in waiting)
    dropped = frozenset(accounts.dropped()) if waiting else frozenset()
    attempt = Attempt(stage, maker, again, notes, dropped)
    for outcome in _outcomes(attempt, waiting, options):
        video = outcome.source.video_id
        if outcome.stop:
            raise InputError(outcome.stop)
        if outcome.failure:
            # what could not be done again keeps its rows, which are partial still
            status = PARTIAL if video in again else FAILED
            accounts.note(video, status, outcome.failure, notes.get(video, {}).get("times", 0) + 1)
        tally.add(outcome)
        if options.max_failures is not None and len(tally.failures) > options.max_failures:
            raise InputError(
                f"{stage.folder.name} stopped after {len(tally.failures)} failures, the last: {outcome.failure}"
            )
    return tally.report(accounts.read(videos), len(before.done - again))


def make_ready(maker: Maker, stage: Stage, sources: Sequence[Source], options: JobOptions) -> None:
    """Prepare the maker if there is any, before the stage is claimed for what cannot be had; Ray's actors do so themselves."""
    account = Accounts(stage).read(source.video_id for source in sources)
    if options.runner == "local" and _waiting(account, sources, options):
        maker.prepare()


def _waiting(account: Account, sources: Sequence[Source], options: JobOptions) -> list[Source]:
    """What has to be done: not what is done or failed, unless it is partial or failed and tried again."""
    settled = (
        account.done - account.partial.keys()
        if options.retry_failed
        else account.done | account.failed.keys()
    )
    return [source for source in sources if source.video_id not in settled]


def _outcomes(
    attempt: Attempt, sources: Sequence[Source], options: JobOptions
) -> Iterator[Outcome]:
    if options.runner == "ray":
        from workfolder.ray_runner import ray_outcomes

        return ray_outcomes(attempt, sources, options.workers)
    return _local_outcomes(attempt, sources, options.workers)


def _local_outcomes(attempt: Attempt, sources: Sequence[Source], workers: int) -> Iterator[Outcome]:
    """Outcomes as they come; few futures are held, however many the sources.

    Threads are enough: what takes time runs in other processes (decoding) or outside Python (networks, matrices).
    """
    remaining = iter(sources)
    with ThreadPoolExecutor(workers) as pool:
        try:
            running: set[Future[Outcome]] = {
                pool.submit(attempt, source) for source in islice(remaining, workers)
            }
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {
                    pool.submit(attempt, source) for source in islice(remaining, len(finished))
                }
                for future in finished:
                    yield future.result()
        finally:  # where the job is left early, the videos in flight end with their processes
            attempt.maker.close()
