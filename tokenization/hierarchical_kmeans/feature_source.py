"""Features where they lie: an array, a memory map, or a folder of Parquet files; read in blocks, never all at once.

Rows are numbered from 0 in the order of the array, or of the files' names and the rows within them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feature_extraction.schema import feature_matrix
from workfolder.errors import InputError

BLOCK_BYTES = 32 * 2**20
"""Size of a block of rows once it is float32; a thread holds three."""

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Like the built-in ``map``; a pool's, where several threads read."""


def block_rows(width: int) -> int:
    """Rows per block of that width. A constant of the data, so that no result depends on the machine."""
    return max(256, BLOCK_BYTES // (4 * width))


class FeatureSource(Protocol):
    """Rows of features, [rows, width], that need not fit into memory."""

    @property
    def rows(self) -> int:
        """How many features there are."""
        ...

    @property
    def width(self) -> int:
        """Numbers per feature."""
        ...

    def blocks(self) -> list[tuple[int, int]]:
        """The first row of every block and the row after its last, in order."""
        ...

    def read(self, start: int, stop: int) -> np.ndarray:
        """The rows of a block."""
        ...

    def take(self, rows: np.ndarray, apply: Map = map) -> np.ndarray:
        """The rows of these numbers, which ascend."""
        ...

    def name(self, row: int) -> str:
        """Where a row is, for people."""
        ...

    def fingerprint(self) -> str:
        """Differs for other features, as far as a glance can tell; a checkpoint is held against it."""
        ...


@dataclass(frozen=True)
class ArraySource:
    """An array or a memory map, [rows, width]."""

    array: np.ndarray

    @property
    def rows(self) -> int:
        """How many features there are."""
        return len(self.array)

    @property
    def width(self) -> int:
        """Numbers per feature."""
        return int(self.array.shape[1])

    def blocks(self) -> list[tuple[int, int]]:
        """Runs of rows of one size."""
        step = block_rows(self.width)
        return [(start, min(start + step, self.rows)) for start in range(0, self.rows, step)]

    def read(self, start: int, stop: int) -> np.ndarray:
        """A view of these rows."""
        return self.array[start:stop]

    def take(self, rows: np.ndarray, apply: Map = map) -> np.ndarray:
        """A copy of these rows."""
        return np.take(self.array, rows, axis=0)

    def name(self, row: int) -> str:
        """Its number."""
        return f"row {row}"

    def fingerprint(self) -> str:
        """Of the shape, the type and 64 rows spread over the whole."""
        picked = np.unique(np.linspace(0, self.rows - 1, 64).astype(np.int64))
        digest = hashlib.sha256(f"{self.array.shape} {self.array.dtype}".encode())
        digest.update(np.ascontiguousarray(self.array[picked]).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _Part:
    """A row group of a file: the least that Parquet reads at once. ``first`` is the number of its first row."""

    path: Path
    group: int
    first: int
    rows: int

    def matrix(self) -> np.ndarray:
        try:
            file = pq.ParquetFile(self.path, page_checksum_verification=True)
            return feature_matrix(file.read_row_group(self.group, columns=["feature"]))
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(
                f"{self.path} cannot be read ({error}): delete it and run extract again"
            ) from error


class FolderSource:
    """DIR/features: one Parquet file a video, with a ``feature`` column of one width.

    Raises:
        InputError: no files, files of several widths, or a file that is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        paths = sorted(
            path for path in self.folder.glob("*.parquet") if not path.name.startswith(".")
        )
        self._parts, widths = _list_parts(paths)
        if not self._parts:
            raise InputError(
                f"{self.folder} has no features (*.parquet): run extract first, or name the features folder"
            )
        if len(widths) > 1:
            raise InputError(
                f"{self.folder} mixes features of {sorted(widths)} numbers: cluster each kind in its folder"
            )
        self.width = widths.pop()
        self.rows = self._parts[-1].first + self._parts[-1].rows

    @cached_property
    def _firsts(self) -> np.ndarray:
        return np.array([part.first for part in self._parts])

    def blocks(self) -> list[tuple[int, int]]:
        """Whole parts, joined until they fill a block."""
        ends = [0]
        for part in self._parts:
            if part.first + part.rows - ends[-1] > block_rows(self.width) and part.first > ends[-1]:
                ends.append(part.first)
        ends.append(self.rows)
        return list(pairwise(ends))

    def read(self, start: int, stop: int) -> np.ndarray:
        """The rows of a block, float16."""
        first, last = np.searchsorted(self._firsts, [start, stop])
        return np.concatenate([part.matrix() for part in self._parts[first:last]])

    def take(self, rows: np.ndarray, apply: Map = map) -> np.ndarray:
        """The rows of these numbers, float16; reads each part that holds one of them once."""
        owners = np.searchsorted(self._firsts, rows, side="right") - 1
        needed, starts = np.unique(owners, return_index=True)
        out = np.empty((len(rows), self.width), np.float16)

        def fill(part: _Part, start: int, stop: int) -> None:
            out[start:stop] = part.matrix()[rows[start:stop] - part.first]

        jobs = zip(
            (self._parts[owner] for owner in needed), starts, [*starts[1:], len(rows)], strict=True
        )
        for _ in apply(lambda job: fill(*job), jobs):
            pass
        return out

    def name(self, row: int) -> str:
        """The file and the row within it."""
        path = self._parts[int(np.searchsorted(self._firsts, row, side="right")) - 1].path
        first = min(part.first for part in self._parts if part.path == path)
        return f"{path}: row {row - first}"

    def fingerprint(self) -> str:
        """Of the files' names, sizes and rows."""
        digest = hashlib.sha256(str(self.width).encode())
        for part in self._parts:
            digest.update(
                f"{part.path.name} {part.path.stat().st_size} {part.group} {part.rows}\n".encode()
            )
        return digest.hexdigest()


def _list_parts(paths: list[Path]) -> tuple[list[_Part], set[int]]:
    """The row groups that hold rows, and the widths that occur."""
    found: list[tuple[Path, int, int]] = []
    widths = set()
    for path in paths:
        try:
            file = pq.ParquetFile(path)
            widths.add(file.schema_arrow.field("feature").type.list_size)
        except (OSError, pa.ArrowInvalid, KeyError, AttributeError) as error:
            raise InputError(
                f"{path} is no file of features ({error}): delete it and run extract again"
            ) from error
        found += [
            (path, group, file.metadata.row_group(group).num_rows)
            for group in range(file.num_row_groups)
        ]
    found = [entry for entry in found if entry[2]]
    firsts = accumulate((rows for *_, rows in found), initial=0)
    return [
        _Part(path, group, first, rows)
        for (path, group, rows), first in zip(found, firsts, strict=False)
    ], widths
