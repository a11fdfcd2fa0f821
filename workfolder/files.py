"""Files that are whole or absent, and the folder of a stage.

A file is written under a temporary name, flushed to the disk and renamed; readers see all of it or nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

from workfolder.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def write_whole(path: Path, first: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write a file or a folder to; it takes its name only if all went well.

    The temporary name begins with a dot and ends in ``.part``, which no reader looks at. With ``first`` a file
    that another process has given that name in the meantime stays. InputError if the disk is full or cannot be written to.
    """
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
    except (OSError, SafetensorError) as error:  # the latter is no OSError where the disk is full
        raise cannot_write(path, error) from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):  # where it could not be written there is nothing to take away
                part.unlink(missing_ok=True)


def _name_first(part: Path, path: Path) -> None:
    """Give ``part`` its name, unless another process was faster."""
    try:
        os.link(part, path)
    except FileExistsError:
        return
    except OSError:  # this file system has no links
        os.replace(part, path)


def cannot_write(path: Path, error: Exception) -> InputError:
    """What a user is told whose disk is full, or not to be written to; of a folder that is unfinished, where it lies."""
    named = next(
        (folder.parent for folder in reversed(path.parents) if folder.match(".*.part")), path
    )
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(there).free
    reason = getattr(error, "strerror", None) or error
    return InputError(
        f"{named} cannot be written ({reason}; {free / 1e9:.1f} GB are free there): mend that and run it again"
    )


def write_json(value: Any, path: Path, first: bool = False) -> None:
    """Write ``value`` as indented JSON, whole or not at all; ``first`` as write_whole has it."""
    with write_whole(path, first) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file that one of the stages wrote; InputError if it is absent or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): run the stage that writes it again"
        ) from error


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, 110 dots an inch, whole or not at all."""
    with write_whole(path) as part:
        figure.savefig(part, format="png", dpi=110)


def write_table(table: pa.Table, path: Path) -> None:
    """Write ``table`` as Parquet with checksums, whole or not at all."""
    with write_whole(path) as part:
        _write(table, part)


def _write(table: pa.Table, where: Path | pa.NativeFile) -> None:
    """Rows read back have the very same schema: nested fields keep their names."""
    pq.write_table(
        table, where, compression="zstd", write_page_checksum=True, use_compliant_nested_type=False
    )


def is_as_written(table: pa.Table, path: Path) -> bool:
    """Whether a file that reads as ``table`` has the bytes that write_table makes of it.

    Pages have checksums, the footer with the names and types has none: it is made again and compared, but not where
    another version of Arrow or of its compressor wrote it.
    """
    sink = pa.BufferOutputStream()
    _write(table, sink)
    there, again = path.read_bytes(), sink.getvalue().to_pybytes()
    was, now = (pq.read_metadata(pa.BufferReader(content)) for content in (there, again))
    if was.created_by != now.created_by:
        return True
    if len(there) == len(again):
        return there == again
    return (
        was.schema.equals(now.schema)
        and was.num_rows == now.num_rows
        and was.metadata == now.metadata
    )


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file that one of the stages wrote; InputError if it is absent or damaged."""
    try:
        return pq.read_table(
            path, columns=columns, partitioning=None, page_checksum_verification=True
        )
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there: run its stage") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete it and run its stage again"
        ) from error


@contextmanager
def alone(path: Path, refusal: str) -> Iterator[None]:
    """Be the only one who has locked a file; InputError, which says ``refusal``, if another has.

    The file is opened for writing, as NFS wants that for a lock of one's own.
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
    """The SHA-256 of a file, 16 digits of it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
