"""Files of JSON rows, one a line, that any number of processes append to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from workfolder.files import cannot_write


def append_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Append rows and flush them to the disk.

    Raises:
        InputError: if the file cannot be written.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if not text:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # JSON has an escape for each half of a name that is not UTF-8.
        _append(path, text.encode(errors="backslashreplace"))
    except OSError as error:
        raise cannot_write(path, error) from error


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows, oldest first; none if there is no file.

    Lines that are not JSON objects are skipped: a full disk or a power failure may cut a row off.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict):
                yield row


def _append(path: Path, data: bytes) -> None:
    with path.open("ab+", buffering=0) as file:
        # Some file systems have no locks; there a short row is still written in one piece.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file.fileno()).st_size
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            data = b"\n" + data
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
