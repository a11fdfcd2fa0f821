"""The array of a file: one row for each clip of a video.

Every reader returns the numbers as they are; ``as_float16`` checks them. Nothing in a file is
executed: no pickle is loaded, but for the tensors of a .pt file, which torch reads with
``weights_only``. Files are read in a process of their own, see workfolder/guard.py.

Shapes:
    features: float16 [clips, width].
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workfolder.errors import InputError

PLACES = frozenset({"video_id", "video", "index", "start", "end"})
"""Columns of a table that say where a row is; they are no part of its feature."""
AXES = 2
LARGEST = float(np.finfo(np.float16).max)
TORCH_SUFFIXES = frozenset({".pt", ".pth"})
HDF5_SUFFIXES = frozenset({".h5", ".hdf5"})


@dataclass(frozen=True)
class Rows:
    """What a file holds.

    Attributes:
        values: [rows, width], of any type of number.
        starts: float64 [rows], seconds at which the rows begin; None where the file does not tell.
        first_line: the line of the first row in a text file; None where rows are counted from 0.
    """

    values: np.ndarray
    starts: np.ndarray | None = None
    first_line: int | None = None

    def name(self, row: int) -> str:
        """Say where a row is, for people."""
        if self.first_line is None:
            return f"row {row} (the first is 0)"
        return f"line {self.first_line + row}"


def read_features(path: Path, key: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the features of a video.

    Args:
        path: a file with one of the suffixes in SUFFIXES.
        key: the name of the array where a file holds several.

    Returns:
        Features, and where the file tells them the seconds at which its rows begin,
        float64 [clips].

    Raises:
        InputError: if the file cannot be read, has no such array, or holds what cannot be a
            feature; the message names the row.
    """
    try:
        rows = READERS[path.suffix.lower()](path, key)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
    return as_float16(path, rows), rows.starts


def reader_of(path: Path) -> Callable[[Path, str | None], tuple[np.ndarray, np.ndarray | None]]:
    """Return what reads a file as ``read_features`` says.

    The reader of .pt files lies in a module that imports torch. A process that is sent this
    function has imported it before its memory is limited.
    """
    if path.suffix.lower() in TORCH_SUFFIXES:
        from feature_extraction.imported.torch_file import read_torch_features

        return read_torch_features
    return read_features


def choose(path: Path, names: Mapping[str, object] | list[str], key: str | None) -> str:
    """Choose among the arrays of a file.

    Raises:
        InputError: if ``key`` is not among them, or there are several and no key.
    """
    found = list(names)
    if key is not None and key not in found:
        raise InputError(f"{path} has no array {key!r}: give --key, one of {_listed(found)}")
    if key is None and len(found) != 1:
        advice = f"give --key, one of {_listed(found)}" if found else "give another file"
        raise InputError(f"{path} holds {len(found)} arrays where one is wanted: {advice}")
    return found[0] if key is None else key


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown or "none"


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
    return InputError(f"{path} cannot be read as {path.suffix} ({reason}): get it again")


def as_float16(path: Path, rows: Rows) -> np.ndarray:
    """Check the numbers; a message names the first row at fault."""
    values = rows.values
    if values.dtype.kind not in "fiu":
        raise InputError(
            f"{path} holds values of the type {values.dtype}, not numbers: save it as a plain "
            "array of numbers"
        )
    if values.ndim != AXES or 0 in values.shape:
        raise InputError(
            f"{path} has an array of shape {list(values.shape)}, not [clips, width]: save one row "
            "of numbers for each clip"
        )
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    for wrong, what in (
        (~np.isfinite(values), "holds NaN or infinity: leave the file out, or make it again"),
        (~np.isfinite(halves), f"holds numbers beyond float16, {LARGEST:,.0f}: scale the features"),
    ):
        at_fault = np.flatnonzero(wrong.any(axis=1))
        if at_fault.size:
            raise InputError(f"{path}, {rows.name(int(at_fault[0]))}: it {what}")
    return halves


def _read_npy(path: Path, key: str | None) -> Rows:
    return Rows(np.load(path, allow_pickle=False))


def _read_npz(path: Path, key: str | None) -> Rows:
    with np.load(path, allow_pickle=False) as arrays:
        return Rows(arrays[choose(path, arrays.files, key)])


def _read_hdf5(path: Path, key: str | None) -> Rows:
    """Read a dataset. Links to other files are never followed."""
    import h5py

    with h5py.File(path, "r") as file:
        names = [name for name in _hdf5_names(file, "")]
        dataset = file[choose(path, names, key)]
        return Rows(np.asarray(dataset[()]))


def _hdf5_names(group: object, above: str) -> list[str]:
    """List the datasets of a file that lie in the file itself."""
    import h5py

    assert isinstance(group, h5py.Group)
    names = []
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            names += _hdf5_names(member, f"{above}{name}/")
        elif not member.is_virtual and member.external is None:
            names.append(above + name)
    return names


def _read_parquet(path: Path, key: str | None) -> Rows:
    """Read a column of lists, or else all columns of numbers that are no PLACES."""
    try:
        table = pq.read_table(path, partitioning=None)
    except pa.ArrowException as error:
        raise _unreadable(path, error) from error
    lists = [name for name in table.column_names if _is_list(table.schema.field(name).type)]
    starts = table.column("start").to_numpy() if "start" in table.column_names else None
    if lists or key is not None:
        return Rows(_matrix(path, table.column(choose(path, lists, key))), starts)
    names = [name for name in table.column_names if name not in PLACES]
    if not names:
        raise InputError(f"{path} has no column of features: give one of lists, or of numbers")
    return Rows(np.stack([table.column(name).to_numpy() for name in names], axis=1), starts)


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _matrix(path: Path, column: pa.ChunkedArray) -> np.ndarray:
    """Stack the lists of a column, which must be of one length."""
    lists = column.combine_chunks()
    if pa.types.is_fixed_size_list(lists.type):
        lengths = np.full(len(lists), lists.type.list_size)
    else:
        lengths = lists.value_lengths().fill_null(0).to_numpy()
    absent = np.flatnonzero(lists.is_null().to_numpy(zero_copy_only=False))
    other = np.flatnonzero(lengths != lengths[0]) if len(lengths) else absent
    if absent.size:
        raise InputError(f"{path}, row {absent[0]} (the first is 0): it has no list of numbers")
    if other.size:
        row = int(other[0])
        raise InputError(
            f"{path}, row {row} (the first is 0): it has {lengths[row]} numbers, and the first has "
            f"{lengths[0]}"
        )
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(lists), -1))


def _read_csv(path: Path, key: str | None) -> Rows:
    """Read lines of numbers; the first may name the columns, of which PLACES are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    if not lines:
        raise InputError(f"{path} is empty: get it again")
    named = not all(map(_is_number, lines[0]))
    header = [name.strip() for name in lines[0]] if named else [""] * len(lines[0])
    kept = [place for place, name in enumerate(header) if name not in PLACES]
    values = np.empty((len(lines) - named, len(kept)))
    starts = np.empty(len(values)) if "start" in header else None
    for row, line in enumerate(lines[named:]):
        if len(line) != len(header):
            raise InputError(
                f"{path}, line {row + 1 + named}: it has {len(line)} values, and the first line "
                f"has {len(header)}"
            )
        try:
            values[row] = [float(line[place]) for place in kept]
            if starts is not None:
                starts[row] = float(line[header.index("start")])
        except ValueError as error:
            raise InputError(f"{path}, line {row + 1 + named}: {error}") from error
    return Rows(values, starts, 1 + named)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


READERS: Mapping[str, Callable[[Path, str | None], Rows]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
}
SUFFIXES = frozenset(READERS) | TORCH_SUFFIXES
"""Every kind of file that ``read_features`` reads."""


def check_readable(path: Path) -> None:
    """Refuse a kind of file that this installation cannot read.

    Raises:
        InputError: for HDF5 without h5py.
    """
    if path.suffix.lower() in HDF5_SUFFIXES and find_spec("h5py") is None:
        raise InputError(f"{path} needs h5py: pip install 'videobert[hdf5]'")
