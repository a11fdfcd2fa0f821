"""Files of many videos in Parquet shards, read as if each file were still there.

    DIR/<stage>/packed/<shard>.parquet          rows of many videos, video after video
    DIR/<stage>/packed/<shard>.index.parquet    where each video's rows are, and what its file was
    DIR/<stage>/packed/forgotten.jsonl          videos whose rows no longer count

A shard counts once its index is there. A loose file counts before a shard, and a later shard before
an earlier one. ``packing.py`` writes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.fingerprints import file_fingerprint
from workfolder.json_lines import append_rows, read_rows

PACKED = "packed"
SUFFIX, INDEX_SUFFIX = ".parquet", ".index.parquet"
FORGOTTEN = "forgotten.jsonl"
DIGEST = b"sha256"
"""Key in the metadata of an index: the SHA-256 of its shard."""
INDEX = pa.schema(
    [
        ("video_id", pa.string()),
        ("group", pa.int32()),
        ("first", pa.int64()),
        ("rows", pa.int64()),
        ("size", pa.int64()),
        ("written", pa.int64()),
        ("fingerprint", pa.string()),
        ("metadata", pa.map_(pa.binary(), pa.binary())),
    ]
)
"""Rows of an index. ``group`` and ``first`` are where the video's rows begin. The others are of the
file that was folded in: its bytes, when it was written (ns), its fingerprint, its schema's notes.
"""
GROUPS_KEPT = 8
"""Row groups that are kept in memory: videos are asked for in about their order."""
ADVICE = "delete it and run its stage again, which makes the videos in it anew"


@dataclass(frozen=True)
class Entry:
    """Where the rows of a video are, and what its file was; see INDEX."""

    shard: Path
    group: int
    first: int
    rows: int
    size: int
    written: int
    fingerprint: str
    metadata: dict[bytes, bytes]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the rows as the file had them.

        Raises:
            FileNotFoundError: if the shard has been folded into another one.
            InputError: if it is damaged.
        """
        names = None if columns is None else tuple(columns)
        try:
            table = _group(self.shard, self.group, names)
            table = table if columns is None else table.select(list(columns))
        except FileNotFoundError:
            raise
        except (OSError, KeyError, pa.ArrowException) as error:
            raise InputError(f"{self.shard} cannot be read ({error}): {ADVICE}") from error
        # A slice would hold all of the group, and its arrays would begin at an offset.
        own = table.take(pa.array(range(self.first, self.first + self.rows), pa.int64()))
        return own.replace_schema_metadata(self.metadata or None)

    def schema(self) -> pa.Schema:
        """Return the columns of the shard."""
        return _footer(self.shard).schema.to_arrow_schema()


@dataclass(frozen=True)
class Packs:
    """The shards of a stage.

    Attributes:
        shards: the path of each, in the order in which they count.
        index: their indices, one after another.
        owners: the number of the shard of each row of ``index``.
        gone: names of shards by video, whose rows of it no longer count.
    """

    shards: list[Path]
    index: pa.Table
    owners: list[int]
    gone: dict[str, set[str]]

    @classmethod
    def of(cls, stage: Path) -> Packs:
        """Find the shards of a stage's folder as they are now.

        Raises:
            InputError: if an index cannot be read.
        """
        folder = stage / PACKED
        try:
            changed = folder.stat().st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            return NONE
        forgotten = folder / FORGOTTEN
        return _load(folder, changed, forgotten.stat().st_size if forgotten.exists() else 0)

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of ``index`` that counts for each video."""
        videos = zip(self.index.column("video_id").to_pylist(), self.owners, strict=True)
        return {
            video: row
            for row, (video, owner) in enumerate(videos)
            if self.shards[owner].name not in self.gone.get(video, ())
        }

    def find(self, video: str) -> Entry | None:
        """Return where the rows of a video are; None if they are in no shard."""
        place = self.places.get(video)
        if place is None:
            return None
        (row,) = self.index.slice(place, 1).to_pylist()
        del row["video_id"]
        return Entry(
            shard=self.shards[self.owners[place]], **{**row, "metadata": dict(row["metadata"])}
        )

    def written(self) -> Iterator[tuple[str, int]]:
        """Yield each video and when its file was written, in ns."""
        times = self.index.column("written").to_pylist()
        return ((video, times[row]) for video, row in self.places.items())


# INDEX.empty_table() would import pandas where it is installed.
NONE = Packs([], pa.Table.from_batches([], INDEX), [], {})


def packed(path: Path) -> Entry | None:
    """Return where the rows of a file of a stage are that is not there, None if in no shard."""
    return Packs.of(path.parent).find(path.name.removesuffix(SUFFIX))


def read_packed(path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Read the rows of a file of a stage that is not there; None if no shard has them.

    Raises:
        InputError: if the shard is damaged.
    """
    while entry := packed(path):
        try:
            return entry.read(columns)
        except FileNotFoundError:
            if packed(path) == entry:  # another run has not folded it into a new shard
                raise InputError(f"{entry.shard} is not there: run its stage again") from None
    return None


def written_at(path: Path) -> int:
    """Return when a file of a stage was written, in ns, be it loose or in a shard."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return _there(path).written


def size_of(path: Path) -> int:
    """Return the bytes of a file of a stage, or those that it had before it was packed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return _there(path).size


def fingerprint_of(path: Path) -> str:
    """Return the fingerprint of a file of a stage, be it loose or in a shard."""
    try:
        return file_fingerprint(path)
    except FileNotFoundError:
        return _there(path).fingerprint


def _there(path: Path) -> Entry:
    entry = packed(path)
    if entry is None:
        raise InputError(f"{path} is not there: run its stage")
    return entry


@lru_cache(maxsize=16)
def _load(folder: Path, changed: int, forgotten: int) -> Packs:
    """Read the indices of a folder; the numbers tell whether it is as it was."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(INDEX_SUFFIX))
    shards: list[Path] = []
    owners: list[int] = []
    tables = [INDEX.empty_table()]
    for name in names:
        shard = folder / f"{name.removesuffix(INDEX_SUFFIX)}{SUFFIX}"
        if not shard.exists():  # somebody deleted it, as it was damaged
            continue
        table = read_table(folder / name)
        owners += [len(shards)] * table.num_rows
        shards.append(shard)
        tables.append(table.replace_schema_metadata(None))
    gone: dict[str, set[str]] = {}
    for row in read_rows(folder / FORGOTTEN):
        gone.setdefault(str(row.get("video")), set()).add(str(row.get("shard")))
    return Packs(shards, pa.concat_tables(tables).combine_chunks(), owners, gone)


@lru_cache(maxsize=64)
def _footer(shard: Path) -> pq.FileMetaData:
    return pq.read_metadata(shard)


@lru_cache(maxsize=GROUPS_KEPT)
def _group(shard: Path, group: int, columns: tuple[str, ...] | None) -> pa.Table:
    file: Any = pq.ParquetFile(shard, metadata=_footer(shard), page_checksum_verification=True)
    with file:
        names = None if columns is None else list(columns)
        return file.read_row_group(group, columns=names, use_threads=False)


def forget(stage: Path, videos: Iterable[str]) -> None:
    """Have the rows of videos in shards count no longer.

    Raises:
        InputError: if that cannot be noted.
    """
    packs = Packs.of(stage)
    entries = [(video, packs.find(video)) for video in videos]
    append_rows(
        stage / PACKED / FORGOTTEN,
        ({"video": video, "shard": entry.shard.name} for video, entry in entries if entry),
    )
