"""What has happened to a stage's files since they were written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from workfolder.errors import InputError
from workfolder.files import is_as_written, read_table
from workfolder.packs import ADVICE, DIGEST, INDEX_SUFFIX, PACKED, SUFFIX
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


def find_damage(stage: Stage, progress: Progress = silent) -> dict[str, str]:
    """Find the files of a stage that cannot be read whole or hold another video's rows.

    Every page is compared with its checksum, and the rest with what would be written now. Shards
    are compared with the digest in their index.

    Returns:
        Reasons by video, or by the name of the shard.
    """
    found: dict[str, str] = {}
    videos = stage.loose()
    for count, video in enumerate(videos, 1):
        try:
            read_checked(stage.path(video), video)
        except FileNotFoundError:  # it has been packed, or made anew, meanwhile
            continue
        except InputError as error:
            found[video] = str(error)
        progress(f"verify {stage.folder.name}", count, len(videos))
    return {**found, **_damaged_shards(stage.folder / PACKED)}


def _damaged_shards(folder: Path) -> dict[str, str]:
    """Find the shards whose bytes are not those that were written."""
    found = {}
    for index in sorted(folder.glob(f"*{INDEX_SUFFIX}")):
        shard = index.with_name(f"{index.name.removesuffix(INDEX_SUFFIX)}{SUFFIX}")
        name = f"{PACKED}/{shard.name}"
        try:
            noted = (read_table(index).schema.metadata or {}).get(DIGEST, b"").decode()
            with shard.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != noted:
                    found[name] = f"{shard} is not as it was written: {ADVICE}"
        except FileNotFoundError:  # it has been folded into another one, or was deleted
            continue
        except InputError as error:
            found[name] = str(error)
    return found


def read_checked(path: Path, video: str) -> pa.Table:
    """Read a video's own file.

    Raises:
        FileNotFoundError: if it has none.
        InputError: if it is not whole, not as it was written, or holds rows of another video.
    """
    advice = "delete it and run its stage again"
    path.stat()
    try:
        table = read_table(path)
        if not pc.all(pc.equal(table.column("video_id"), video), min_count=0).as_py():
            raise InputError(f"{path} holds rows of another video: {advice}")
        if not _is_counted(table):
            raise InputError(f"{path} has rows twice, or not all: {advice}")
        if not is_as_written(table, path):
            raise InputError(f"{path} is not as it was written: {advice}")
    except FileNotFoundError:
        raise
    except (KeyError, ValueError, OSError, pa.ArrowException) as error:  # of damaged names, types
        raise InputError(f"{path} cannot be read ({error}): {advice}") from error
    return table


def _is_counted(table: pa.Table) -> bool:
    """Whether the rows have the indices 0, 1, 2, ..., where they have any."""
    if "index" not in table.column_names:
        return True
    return table.column("index").to_pylist() == list(range(table.num_rows))
