"""One video's part of a job: its rows are made and written, or the failure is caught."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.ledger import PARTIAL, WHOLE, Ledger
from workfolder.maker import Made, Maker
from workfolder.scratch import Scratch
from workfolder.sources import Source
from workfolder.stage import Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one video.

    Attributes:
        failure: why its rows could not be made; None if they are written.
        stop: why no video's rows can be made or written; None if they can.
        rows: how many were written.
        covered: seconds of video that they cover.
        seconds: how long it took, by part.
        dropped: how much was thrown away, by reason.
    """

    source: Source
    failure: str | None = None
    stop: str | None = None
    rows: int = 0
    covered: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """Makes and writes the rows of a video, so that a bad video costs only itself.

    Attributes:
        redo: videos that are done and are done again.
        notes: the latest rows about videos, see Ledger.notes.
        dropped: videos of which the books say that something was thrown away.
        identity: the stage's when the job began, see Stage.identity.
        scratch: where sources with an address are fetched to; None where none has one.
    """

    stage: Stage
    maker: Maker
    redo: frozenset[str] = frozenset()
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    identity: int | None = None
    scratch: Scratch | None = None

    def __call__(self, source: Source) -> Outcome:
        """Attempt a video, unless another run has done it in the meantime."""
        video = source.video_id
        if self.stage.has(video) and video not in self.redo:
            if self.scratch:
                self.scratch.drop(source)
            return Outcome(source)
        try:
            prepare(self.maker, self.stage)
        except InputError as error:
            return Outcome(source, stop=str(error))
        try:
            with self.scratch.fetched(source) if self.scratch else nullcontext(source) as at_hand:
                made = self.maker(at_hand)
        except InputError as error:
            return Outcome(source, failure=str(error))
        except Exception as error:  # a bug met by one video in 300,000 must not cost the others
            logger.exception("%s of %s", self.stage.folder.name, source.label)
            unexpected = f"{source.label}: unexpected {type(error).__name__}: {error}"
            return Outcome(source, failure=unexpected)
        begin = time.perf_counter()
        try:
            self._write(source, made)
        except InputError as error:
            return Outcome(source, stop=str(error))
        seconds = {**made.seconds, "write": time.perf_counter() - begin}
        rows, covered = made.table.num_rows, _covered(made.table)
        return Outcome(source, None, None, rows, covered, seconds, made.dropped)

    def _write(self, source: Source, made: Made) -> None:
        """Write notes and rows in an order that a kill cannot turn into a loss.

        A video may then seem partial, or seem to have lost something, and be whole; never the
        other way round.
        """
        if self.identity is not None and self.stage.identity() != self.identity:
            raise InputError(
                f"{self.stage.folder} was put aside by another run with --start-over: "
                "run the same command again to see whether your options are still those"
            )
        ledger, video = Ledger(self.stage), source.video_id
        if made.dropped or video in self.dropped:
            ledger.note_dropped(video, made.dropped)
        if made.partial:
            ledger.note(PARTIAL, {video: f"{source.label} {made.partial}"}, self.notes)
        write_table(made.table, self.stage.path(video))
        if not made.partial and self.notes.get(video, {}).get("status") == PARTIAL:
            ledger.note(WHOLE, {video: f"{source.label} is whole"})


def prepare(maker: Maker, stage: Stage) -> None:
    """Have a maker ready.

    Raises:
        InputError: if it cannot be, whatever the maker raises: no video can do without.
    """
    try:
        maker.prepare()
    except InputError:
        raise
    except Exception as error:
        logger.exception("%s cannot begin", stage.folder.name)
        raise InputError(
            f"{stage.folder.name} cannot begin: unexpected {type(error).__name__}: {error}"
        ) from error


def _covered(table: pa.Table) -> float:
    """Return the seconds of video that a table covers."""
    if not table.num_rows or "end" not in table.column_names:
        return 0.0
    return float(table.column("end")[-1].as_py())
