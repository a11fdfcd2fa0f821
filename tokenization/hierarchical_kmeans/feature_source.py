"""Reads features in blocks from an array, a memory map, or a folder of Parquet files.

Rows are numbered from 0 in the order of the array, or of the files' names and the rows in them.

Shapes:
    features: [rows, width]; float16 from files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feature_extraction.schema import feature_matrix
from tokenization.hierarchical_kmeans.centring import MOST_VIDEOS, VideoCentring
from tokenization.hierarchical_kmeans.projection import named_rows, refuse_not_finite
from tokenization.hierarchical_kmeans.search import Map, block_rows
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.fingerprints import file_fingerprint
from workfolder.packs import Packs
from workfolder.stage import Stage


@dataclass(frozen=True)
class ArraySource:
    """An array or a memory map, [rows, width]."""

    array: np.ndarray

    @property
    def rows(self) -> int:
        """The number of features."""
        return len(self.array)

    @property
    def width(self) -> int:
        """Numbers per feature."""
        return int(self.array.shape[1])

    def blocks(self) -> list[tuple[int, int]]:
        """List the blocks in order: the first row of each and the row after its last."""
        step = block_rows(self.width)
        return [(start, min(start + step, self.rows)) for start in range(0, self.rows, step)]

    def pieces(self, start: int, stop: int) -> list[tuple[int, int]]:
        """List the parts of a block that callers of ``predict`` pass in one call: all of it."""
        return [(start, stop)]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return a view of the rows of a block."""
        return self.array[start:stop]

    def take(self, rows: np.ndarray, apply: Map = map) -> np.ndarray:
        """Return a copy of the rows of these numbers, which ascend."""
        return np.take(self.array, rows, axis=0)

    def name(self, row: int) -> str:
        """Say where a row is, for people."""
        return f"row {row}"

    def fingerprint(self) -> str:
        """Hash the shape, the type and 64 rows spread over the whole."""
        picked = np.unique(np.linspace(0, self.rows - 1, 64).astype(np.int64))
        digest = hashlib.sha256(f"{self.array.shape} {self.array.dtype}".encode())
        digest.update(np.ascontiguousarray(self.array[picked]).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class FilePart:
    """A row group of a file, the least that Parquet reads at once.

    Attributes:
        path: the file.
        group: the number of the row group in it.
        first: the number of its first row in the whole source.
        rows: how many it has.
    """

    path: Path
    group: int
    first: int
    rows: int

    def matrix(self) -> np.ndarray:
        """Read the features, float16 [rows, width]."""
        try:
            file = pq.ParquetFile(self.path, page_checksum_verification=True)
            return feature_matrix(file.read_row_group(self.group, columns=["feature"]))
        except FileNotFoundError:
            return feature_matrix(read_table(self.path, ["feature"]))  # it is in a shard
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(
                f"{self.path} cannot be read ({error}): delete it and run extract again"
            ) from error


class FolderSource:
    """DIR/features: one Parquet file per video, with a ``feature`` column of one width.

    A video that is in a shard counts as if it had its file, see workfolder/packs.py.

    Args:
        folder: where the files are.
        centre_videos: whether to take the mean of its video off each feature, see centring.py.

    Attributes:
        centring: takes videos' means off; None if that is not wanted.
        folder: where the files are.
        parts: their row groups, in order.
        fingerprints: of the files, when they were listed; see file_fingerprint.
        rows: the number of features.
        width: numbers per feature.

    Raises:
        InputError: if there are no features, or features of several widths, or a damaged file.
    """

    def __init__(self, folder: Path, centre_videos: bool = False) -> None:
        self.folder = Path(folder)
        stage = Stage(self.folder)
        self.parts, self.fingerprints, widths = _list_parts(sorted(map(stage.path, stage.done())))
        if not self.parts:
            raise InputError(
                f"{self.folder} has no features (*.parquet): run extract first, "
                f"or name the features folder"
            )
        if len(widths) > 1:
            raise InputError(
                f"{self.folder} mixes features of {sorted(widths)} numbers: "
                f"cluster each kind in a folder of its own"
            )
        self.width = widths.pop()
        self.rows = self.parts[-1].first + self.parts[-1].rows
        self.centring: VideoCentring | None = self._learn_centring() if centre_videos else None

    @cached_property
    def _by_path(self) -> dict[Path, list[FilePart]]:
        files: dict[Path, list[FilePart]] = {}
        for part in self.parts:
            files.setdefault(part.path, []).append(part)
        return files

    def _learn_centring(self) -> VideoCentring:
        """Find the mean of the means of MOST_VIDEOS videos, evenly chosen.

        Raises:
            InputError: if a feature is not finite.
        """
        paths = list(self._by_path)
        chosen = np.unique(np.linspace(0, len(paths) - 1, MOST_VIDEOS).astype(int))
        total = np.zeros(self.width)
        for place in chosen:
            features = self._video(paths[place])
            path = paths[place]
            with named_rows(lambda row, path=path: f"{path}: row {row}"):  # type: ignore[misc]
                refuse_not_finite(features)
            total += features.mean(axis=0, dtype=np.float64)
        return VideoCentring((total / len(chosen)).astype(np.float32))

    def _video(self, path: Path) -> np.ndarray:
        """Read all features of a file, float16 [rows, width]."""
        return np.concatenate([part.matrix() for part in self._by_path[path]])

    def _matrix(self, part: FilePart) -> np.ndarray:
        """Read the features of a part, centred if that is wanted, float16 [rows, width]."""
        found = part.matrix()
        if self.centring is None:
            return found
        alone = len(self._by_path[part.path]) == 1
        return self.centring(found, found if alone else self._video(part.path))

    @cached_property
    def _firsts(self) -> np.ndarray:
        return np.array([part.first for part in self.parts])

    @cached_property
    def first_rows(self) -> dict[Path, int]:
        """The number of the first row of each file."""
        return {part.path: part.first for part in reversed(self.parts)}

    def _parts_between(self, start: int, stop: int) -> list[FilePart]:
        first, last = np.searchsorted(self._firsts, [start, stop])
        return self.parts[first:last]

    def part_of(self, row: int) -> FilePart:
        """Find the part that holds a row."""
        return self.parts[int(np.searchsorted(self._firsts, row, side="right")) - 1]

    def blocks(self) -> list[tuple[int, int]]:
        """List the blocks in order: whole parts, joined until they fill a block."""
        ends = [0]
        for part in self.parts:
            if part.first + part.rows - ends[-1] > block_rows(self.width) and part.first > ends[-1]:
                ends.append(part.first)
        ends.append(self.rows)
        return list(pairwise(ends))

    def pieces(self, start: int, stop: int) -> list[tuple[int, int]]:
        """List the parts of a block that callers of ``predict`` pass in one call: its files."""
        parts = self._parts_between(start, stop)
        return [(part.first, part.first + part.rows) for part in parts]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read the rows of a block."""
        return np.concatenate([self._matrix(part) for part in self._parts_between(start, stop)])

    def take(self, rows: np.ndarray, apply: Map = map) -> np.ndarray:
        """Read the rows of these numbers, which ascend; each part that holds one is read once."""
        owners = np.searchsorted(self._firsts, rows, side="right") - 1
        needed, starts = np.unique(owners, return_index=True)
        out = np.empty((len(rows), self.width), np.float16)

        def fill(part: FilePart, start: int, stop: int) -> None:
            out[start:stop] = self._matrix(part)[rows[start:stop] - part.first]

        parts = (self.parts[owner] for owner in needed)
        jobs = zip(parts, starts, [*starts[1:], len(rows)], strict=True)
        for _ in apply(lambda job: fill(*job), jobs):
            pass
        return out

    def name(self, row: int) -> str:
        """Return the file and the row's number in it."""
        path = self.part_of(row).path
        return f"{path}: row {row - self.first_rows[path]}"

    def fingerprint(self) -> str:
        """Hash the files' names and fingerprints."""
        digest = hashlib.sha256(str(self.width).encode())
        for path, fingerprint in self.fingerprints.items():
            digest.update(f"{path.name} {fingerprint}\n".encode())
        if self.centring is not None:
            digest.update(self.centring.tobytes())
        return digest.hexdigest()


FeatureSource = ArraySource | FolderSource
"""Rows of features that need not fit into memory."""


def _list_parts(paths: list[Path]) -> tuple[list[FilePart], dict[Path, str], set[int]]:
    """List the row groups that hold rows, the files' fingerprints, and the widths that occur."""
    found: list[tuple[Path, int, int]] = []
    fingerprints, widths = {}, set()
    for path in paths:
        groups, fingerprints[path], width = _described(path)
        widths.add(width)
        found += [(path, group, rows) for group, rows in enumerate(groups) if rows]
    firsts = accumulate((rows for *_, rows in found), initial=0)
    places = zip(found, firsts, strict=False)
    parts = [FilePart(path, group, first, rows) for (path, group, rows), first in places]
    return parts, fingerprints, widths


def _described(path: Path) -> tuple[list[int], str, int]:
    """Return the rows of each row group of a file, its fingerprint, and the width of its features.

    Raises:
        InputError: if it is not a file of features.
    """
    try:
        try:
            file = pq.ParquetFile(path)
        except FileNotFoundError:
            entry = Packs.of(path.parent).find(path.stem)
            if entry is None:
                raise
            return [entry.rows], entry.fingerprint, _width(entry.schema())
        rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        return rows, file_fingerprint(path, file.metadata), _width(file.schema_arrow)
    except (OSError, pa.ArrowInvalid, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} is not a file of features ({error}): delete it and run extract again"
        ) from error


def _width(schema: pa.Schema) -> int:
    return int(schema.field("feature").type.list_size)
