"""A file of JSON rows that is only ever added to, by any number of processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workfolder.files import cannot_write


@dataclass(frozen=True)
class Ledger:
    """The rows of a file. A row that a full disk or a lost power supply cut off is passed over by readers."""

    path: Path

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows and flush them to the disk; InputError if it cannot be written to."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if not text:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _append(
                self.path, text.encode(errors="backslashreplace")
            )  # a name that is no UTF-8 is escaped, as JSON has it
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, oldest first; none where there is no file."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                with contextlib.suppress(
                    json.JSONDecodeError
                ):  # cut off in the middle: what it told will be told again
                    yield json.loads(line)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab+", buffering=0) as file:
        with contextlib.suppress(
            OSError
        ):  # a file system without locks: short rows are still written in one piece
            fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file.fileno()).st_size
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            data = b"\n" + data
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
