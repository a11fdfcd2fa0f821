"""Files and folders that are whole or absent.

A file is written under a temporary name, flushed to the disk and renamed. Readers see all of it or
nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

from workfolder.errors import InputError
from workfolder.paths import refuse_address

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STALE_SECONDS = 24 * 3600.0
"""After so long nobody is still writing a file."""
LOCKING_SECONDS = 1.0
"""A folder younger than this may not be locked yet by the process that made it."""
PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "write_page_checksum": True,
    "use_compliant_nested_type": False,
}
"""How Parquet is written. Nested fields keep their names, so that rows read back have the same
schema."""
_UNFINISHED = f".{'[0-9a-f]' * 32}.part"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def write_whole(path: Path, first: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes that name if all goes well.

    A file or a folder can be written there. The temporary name begins with a dot and ends in
    ``.part``; no reader looks at it.

    Args:
        first: whether to keep what another process has given that name in the meantime.

    Raises:
        InputError: if the disk is full or cannot be written, or ``path`` is an address.
    """
    refuse_address(path)
    part = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        for written in [part, *part.rglob("*")] if part.is_dir() else [part]:
            _flush(written)
        if first:
            _name_first(part, path)
        else:
            os.replace(part, path)
        _flush(path.parent)
    except (OSError, SafetensorError) as error:  # on a full disk safetensors raises its own
        raise cannot_write(path, error) from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):  # it may never have been written
                part.unlink(missing_ok=True)


@contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to write to, as write_whole does.

    It is locked meanwhile. Unlocked ones beside it are removed: runs that were killed left them.

    Raises:
        InputError: as write_whole does.
    """
    for unfinished in path.parent.glob(_UNFINISHED):
        if _is_abandoned(unfinished):
            shutil.rmtree(unfinished, ignore_errors=True)
    with write_whole(path) as part:
        part.mkdir()
        with _opened(part) as folder:
            with suppress(OSError):  # some file systems have no locks for folders
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield part


def _is_abandoned(folder: Path) -> bool:
    """Whether no process writes a temporary folder any more."""
    try:
        with _opened(folder) as descriptor:
            age = time.time() - os.fstat(descriptor).st_mtime
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:  # this file system has no locks for folders
                return age > STALE_SECONDS
            return age > LOCKING_SECONDS
    except OSError:  # it is a file, or gone
        return False


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _name_first(part: Path, path: Path) -> None:
    """Give ``part`` its name, unless another process was faster."""
    try:
        os.link(part, path)
    except FileExistsError:
        return
    except OSError:  # this file system has no links
        os.replace(part, path)


def cannot_write(path: Path, error: Exception) -> InputError:
    """Return what a user is told when ``path`` cannot be written.

    Of a path in an unfinished folder, the message names the place of that folder.
    """
    named = next(
        (folder.parent for folder in reversed(path.parents) if folder.match(".*.part")), path
    )
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(there).free
    reason = getattr(error, "strerror", None) or error
    return InputError(
        f"{named} cannot be written ({reason}; {free / 1e9:.1f} GB are free there): mend that and "
        "run it again"
    )


def write_json(value: Any, path: Path, first: bool = False) -> None:
    """Write indented JSON, whole or not at all; see write_whole."""
    with write_whole(path, first) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote.

    Raises:
        InputError: if it is absent or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): run the stage that writes it again"
        ) from error


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, 110 dots an inch, whole or not at all."""
    with write_whole(path) as part:
        # Level 1 takes a third of the default's time, and the file is little larger.
        figure.savefig(part, format="png", dpi=110, pil_kwargs={"compress_level": 1})


def write_table(table: pa.Table, path: Path) -> None:
    """Write ``table`` as Parquet with checksums, whole or not at all."""
    with write_whole(path) as part:
        _write(table, part)


def _write(table: pa.Table, where: Path | pa.NativeFile) -> None:
    pq.write_table(table, where, **PARQUET)


def table_bytes(table: pa.Table) -> bytes:
    """Return the bytes of the file that write_table makes."""
    sink = pa.BufferOutputStream()
    _write(table, sink)
    return bytes(sink.getvalue())


def is_as_written(table: pa.Table, path: Path) -> bool:
    """Whether a file that reads as ``table`` has the bytes that write_table makes of it.

    Pages have checksums. The footer with the names and types has none: it is made again and
    compared, unless another version of Arrow wrote it. Another version of its compressor may give
    other lengths.
    """
    there, again = path.read_bytes(), table_bytes(table)
    if there == again:
        return True
    was, now = (pq.read_metadata(pa.BufferReader(content)) for content in (there, again))
    if was.created_by != now.created_by:
        return True
    if len(there) == len(again):
        return False
    return (
        was.schema.equals(now.schema)
        and was.num_rows == now.num_rows
        and was.metadata == now.metadata
    )


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file that a stage wrote, also where it has been packed into a shard since.

    Raises:
        InputError: if it is absent or damaged.
    """
    try:
        # Files are many and small, and several are read at a time: threads within one would wait
        # for each other longer than they read.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns, use_threads=False)
        return table if columns is None else table.select(columns)
    except FileNotFoundError as error:
        from workfolder.packs import read_packed  # shards are files, too

        if (rows := read_packed(path, columns)) is not None:
            return rows
        raise InputError(f"{path} is not there: run its stage") from error
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete it and run its stage again"
        ) from error


@contextmanager
def exclusive_lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold an exclusive lock on a file.

    Raises:
        InputError: if another process holds it, with the message ``refusal``, or if the file cannot
            be opened for writing, which a lock on NFS needs.
    """
    try:
        held = path.open("r+b")
    except OSError as error:
        raise InputError(
            f"{path} cannot be locked ({error.strerror}): see that it may be written to"
        ) from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(refusal) from error
        yield


def file_digest(path: Path) -> str:
    """Return the first 16 digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
