"""One video's part of a job."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from workfolder.accounts import PARTIAL, WHOLE, Accounts
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.maker import Made, Maker
from workfolder.sources import Source
from workfolder.stage import Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one video now: its rows are written, or ``failure`` says why not, or ``stop`` why none can be."""

    source: Source
    failure: str | None = None
    stop: str | None = None
    rows: int = 0
    end: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """Work for one video, its result written and its failure caught, so that one video costs only itself."""

    stage: Stage
    maker: Maker
    again: frozenset[str] = frozenset()
    """Videos that are done, and done again."""
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the books say of videos, see Accounts.notes."""
    dropped: frozenset[str] = frozenset()
    """Videos of which the books say that something was dropped."""

    def __call__(self, source: Source) -> Outcome:
        """Do it, unless another run has done it in the meantime."""
        path = self.stage.path(source.video_id)
        if path.exists() and source.video_id not in self.again:
            return Outcome(source)
        try:
            self.maker.prepare()
        except InputError as error:
            return Outcome(source, stop=str(error))
        try:
            if source.refusal:
                raise InputError(source.refusal)
            made = self.maker(source)
        except InputError as error:
            return Outcome(source, failure=str(error))
        except Exception as error:  # a bug met by one video in 300,000 must not cost the others
            logger.exception("%s of %s", self.stage.folder.name, source.path)
            return Outcome(
                source, failure=f"{source.path}: unexpected {type(error).__name__}: {error}"
            )
        begin = time.perf_counter()
        try:
            self._write(source, made)
        except InputError as error:
            return Outcome(source, stop=str(error))
        seconds = {**made.seconds, "write": time.perf_counter() - begin}
        rows, end = made.table.num_rows, _end(made.table)
        return Outcome(source, None, None, rows, end, seconds, made.dropped)

    def _write(self, source: Source, made: Made) -> None:
        """A kill between note and rows leaves a video that seems partial, never one that seems whole and is not."""
        accounts, noted = Accounts(self.stage), self.notes.get(source.video_id, {})
        if made.dropped or source.video_id in self.dropped:
            accounts.note_dropped(source.video_id, made.dropped)
        if made.partial:
            accounts.note(
                source.video_id, PARTIAL, f"{source.path} {made.partial}", noted.get("times", 0) + 1
            )
        write_table(made.table, self.stage.path(source.video_id))
        if not made.partial and noted.get("status") == PARTIAL:
            accounts.note(source.video_id, WHOLE, f"{source.path} is whole")


def _end(table: pa.Table) -> float:
    """Seconds of video that a table covers."""
    return (
        table.column("end")[-1].as_py() if table.num_rows and "end" in table.column_names else 0.0
    )
