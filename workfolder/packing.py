"""Folds finished files of a stage into Parquet shards, see packs.py.

A kill costs nothing and doubles nothing: a shard counts once its index has its name, and only then
are the files removed that were folded in. Until then both are there, and the files count.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workfolder.damaged_files import read_checked
from workfolder.errors import InputError
from workfolder.files import PARQUET, exclusive_lock, write_table, write_whole
from workfolder.fingerprints import file_fingerprint
from workfolder.packs import DIGEST, INDEX, INDEX_SUFFIX, PACKED, SUFFIX, Packs
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE, Stage

SHARD_BYTES = 256 * 2**20
GROUP_BYTES = 2**20
"""Bytes of rows in a row group, which is the least that is read for a video."""
SHARD_VIDEOS = 100_000
"""What a shard's index tells of its videos is in memory while the shard is written."""
WORN = 0.5
"""A shard that has less than this of its size, or of its rows still counting, is folded again."""


@dataclass
class Packing:
    """What became of the files of a stage.

    Attributes:
        stage: its name.
        files: how many were folded in.
        shards: how many were written.
        bytes: how large these are.
        left: reasons by video, for files that were left as they are.
    """

    stage: str
    files: int = 0
    shards: int = 0
    bytes: int = 0
    left: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        left = f", {len(self.left)} damaged files left as they are" if self.left else ""
        if not self.shards:
            return f"{self.stage}: nothing to pack{left}"
        size = f"{self.bytes / 1e6:,.1f} MB"
        return f"{self.stage}: {self.files:,} files are now in {self.shards} shards, {size}{left}"


@dataclass(frozen=True)
class _Piece:
    """The rows of a video, the row of INDEX that it will have, and its loose file."""

    table: pa.Table
    row: dict[str, Any]
    loose: tuple[Path, tuple[int, int]] | None = None


def pack(stage: Stage, shard_bytes: int = SHARD_BYTES, progress: Progress = silent) -> Packing:
    """Fold the files of a stage, and shards that are worn, into shards of about a size.

    Files that are damaged are left as they are.

    Raises:
        InputError: if another run packs the stage or clusters its features, or the disk is full.
    """
    busy = f"another run packs {stage.folder}, or makes the codebook of it: wait for it"
    with exclusive_lock(stage.folder / OPTIONS_FILE, busy):
        folder = stage.folder / PACKED
        folder.mkdir(exist_ok=True)
        _sweep(folder)
        packs = Packs.of(stage.folder)
        worn = _worn(packs, shard_bytes)
        videos = {*stage.loose(), *(video for video, shard in _owned(packs) if shard in worn)}
        report = Packing(stage.folder.name)
        if stage.loose() or len(worn) > 1 or any(not _counting(packs)[shard] for shard in worn):
            pieces = _Pieces(_read(stage, packs, sorted(videos), report, progress))
            while pieces.ahead:
                _write_shard(folder, pieces, shard_bytes, report)
            for shard in worn:  # all that counted in them is in later ones
                _index_of(shard).unlink()
                shard.unlink()
    return report


class _Pieces:
    """An iterator that tells what comes next."""

    def __init__(self, pieces: Iterator[_Piece]) -> None:
        self._pieces = pieces
        self.ahead = next(pieces, None)

    def take(self) -> _Piece:
        """Return the next one."""
        taken, self.ahead = self.ahead, next(self._pieces, None)
        assert taken is not None
        return taken


def _sweep(folder: Path) -> None:
    """Remove what a kill left; the lock is held, so nobody is writing."""
    for left in folder.glob(".*.part"):
        left.unlink()
    for shard in folder.glob(f"*{SUFFIX}"):
        if not shard.name.endswith(INDEX_SUFFIX) and not _index_of(shard).exists():
            shard.unlink()


def _index_of(shard: Path) -> Path:
    return shard.with_name(f"{shard.name.removesuffix(SUFFIX)}{INDEX_SUFFIX}")


def _owned(packs: Packs) -> Iterator[tuple[str, Path]]:
    """Yield each video that is in a shard, and the shard."""
    return ((video, packs.shards[packs.owners[row]]) for video, row in packs.places.items())


def _counting(packs: Packs) -> dict[Path, int]:
    """Count the videos of each shard that still count."""
    found = dict.fromkeys(packs.shards, 0)
    for _, shard in _owned(packs):
        found[shard] += 1
    return found


def _worn(packs: Packs, shard_bytes: int) -> set[Path]:
    """Find the shards that are worth folding again."""
    counting = _counting(packs)
    held = [packs.owners.count(number) for number in range(len(packs.shards))]
    return {
        shard
        for shard, videos in zip(packs.shards, held, strict=True)
        if counting[shard] < WORN * videos
        or (shard.stat().st_size < WORN * shard_bytes and videos < WORN * SHARD_VIDEOS)
    }


def _read(
    stage: Stage, packs: Packs, videos: list[str], report: Packing, progress: Progress
) -> Iterator[_Piece]:
    """Yield the rows of videos, their loose file before a shard."""
    schema: pa.Schema | None = None
    for count, video in enumerate(videos, 1):
        progress(f"pack {report.stage}", count, len(videos))
        path, entry = stage.path(video), packs.find(video)
        try:
            piece = _loose_piece(path, video)
            schema = schema or piece.table.schema
            if not piece.table.schema.equals(schema):
                raise InputError(f"{path} has other columns than the files before it")
            yield piece
            continue
        except FileNotFoundError:
            if entry is None:  # it was deleted meanwhile
                continue
        except InputError as error:
            report.left[video] = str(error)
            if entry is None:
                continue
        yield _packed_piece(packs, video)


def _loose_piece(path: Path, video: str) -> _Piece:
    """Read a video's own file.

    Raises:
        FileNotFoundError: if it has none.
        InputError: if it is damaged.
    """
    was = path.stat()
    table = read_checked(path, video)
    row = {
        "size": was.st_size,
        "written": was.st_mtime_ns,
        "fingerprint": file_fingerprint(path),
        "metadata": list((table.schema.metadata or {}).items()),
        "video_id": video,
    }
    return _Piece(table, row, (path, (was.st_ino, was.st_mtime_ns)))


def _packed_piece(packs: Packs, video: str) -> _Piece:
    """Read a video's rows from its shard, to fold them into another."""
    entry = packs.find(video)
    assert entry is not None
    row = {name: getattr(entry, name) for name in ("size", "written", "fingerprint")}
    row |= {"metadata": list(entry.metadata.items()), "video_id": video}
    return _Piece(entry.read(), row)


def _write_shard(folder: Path, pieces: _Pieces, shard_bytes: int, report: Packing) -> None:
    """Write a shard and its index, then remove the files that are in it."""
    shard = folder / f"{_next_number(folder):05d}-{uuid.uuid4().hex[:8]}{SUFFIX}"
    with write_whole(shard) as part:
        rows, loose = _fill(part, pieces, shard_bytes)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    index = pa.Table.from_pylist(rows, schema=INDEX.with_metadata({DIGEST: digest}))
    write_table(index, _index_of(shard))  # from here on the shard counts
    for path, was in loose:
        with suppress(FileNotFoundError):
            now = path.stat()
            if (now.st_ino, now.st_mtime_ns) == was:  # nobody has made it anew meanwhile
                path.unlink()
    report.files += len(loose)
    report.shards += 1
    report.bytes += shard.stat().st_size


def _next_number(folder: Path) -> int:
    return 1 + max((int(path.name[:5]) for path in folder.glob(f"*{INDEX_SUFFIX}")), default=-1)


def _fill(
    part: Path, pieces: _Pieces, shard_bytes: int
) -> tuple[list[dict[str, Any]], list[tuple[Path, tuple[int, int]]]]:
    """Write row groups until the shard is large enough.

    Returns:
        The rows of its index, and the files that are in it.
    """
    rows: list[dict[str, Any]] = []
    loose = []
    assert pieces.ahead is not None
    schema = pieces.ahead.table.schema.remove_metadata()
    with part.open("wb") as sink, pq.ParquetWriter(sink, schema, **PARQUET) as writer:
        group = 0
        while pieces.ahead and sink.tell() < shard_bytes and len(rows) < SHARD_VIDEOS:
            tables: list[pa.Table] = []
            first = bytes_ = 0
            while pieces.ahead and bytes_ < GROUP_BYTES:
                piece = pieces.take()
                count = piece.table.num_rows
                rows.append({**piece.row, "group": group, "first": first, "rows": count})
                loose += [piece.loose] if piece.loose else []
                tables.append(piece.table.replace_schema_metadata(None))
                first, bytes_ = first + count, bytes_ + piece.table.nbytes
            writer.write_table(pa.concat_tables(tables), row_group_size=max(first, 1))
            group += 1
    return rows, loose
