from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from feature_extraction.imported.arrays import SUFFIXES, reader_of
from workfolder.errors import InputError

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3) / 8


def write_hdf5(path: Path, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["clips/feature"] = values


def write_csv(path: Path, values: np.ndarray) -> None:
    path.write_text("\n".join(",".join(map(str, row)) for row in values.tolist()) + "\n")


def write_lists(path: Path, values: np.ndarray) -> None:
    lists = [row.tolist() for row in values]
    pq.write_table(pa.table({"clip": range(len(values)), "f": lists}), path)


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    ".npy": np.save,
    ".npz": lambda path, values: np.savez(path, only=values),
    ".h5": write_hdf5,
    ".hdf5": write_hdf5,
    ".pt": lambda path, values: torch.save(torch.from_numpy(values), path),
    ".pth": lambda path, values: torch.save({"f": torch.from_numpy(values), "epoch": 3}, path),
    ".parquet": write_lists,
    ".csv": write_csv,
}


def read(path: Path, key: str | None = None) -> np.ndarray:
    return reader_of(path)(path, key)[0]


def test_every_suffix_has_a_writer_here() -> None:
    assert WRITERS.keys() == SUFFIXES


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_gives_its_rows_as_float16(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"soup{suffix}"
    WRITERS[suffix](path, VALUES)
    found = read(path)
    assert found.dtype == np.float16 and np.array_equal(found, VALUES)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN or infinity"), (7e4, "beyond float16")])
def test_a_row_that_cannot_be_a_feature_is_named(
    tmp_path: Path, suffix: str, value: float, said: str
) -> None:
    path, values = tmp_path / f"soup{suffix}", VALUES.copy()
    values[2, 1] = value
    WRITERS[suffix](path, values)
    with pytest.raises(InputError, match=said) as refused:
        read(path)
    assert f"{path}, {'line 3' if suffix == '.csv' else 'row 2 '}" in str(refused.value)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_file_of_something_else_is_refused_with_its_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"soup{suffix}"
    for content in (b"", b"not what it says\n" * 40):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"soup{suffix}"):
            read(path)


@pytest.mark.parametrize("shape", [(), (4,), (0, 3), (4, 0), (1, 4, 3)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "soup.npy", np.zeros(shape, np.float32))
    with pytest.raises(InputError, match=r"not \[clips, width\]"):
        read(tmp_path / "soup.npy")


class Spy:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    spy = Spy(tmp_path / "it ran")
    objects = np.empty((2, 2), object)
    objects[:] = spy
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", objects)
    torch.save(spy, tmp_path / "c.pt")
    (tmp_path / "d.npy").write_bytes(pickle.dumps(spy))
    for name in ("a.npy", "b.npz", "c.pt", "d.npy"):
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)
    assert not spy.path.exists()


def test_an_array_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "soup.npz"
    np.savez(path, rgb=VALUES, flow=-VALUES)
    assert np.array_equal(read(path, "flow"), -VALUES)
    for key in (None, "depth"):
        with pytest.raises(InputError, match="give --key, one of rgb, flow"):
            read(path, key)


def test_an_hdf5_file_opens_no_other_file(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "other.h5", VALUES)
    VALUES.astype("<f4").tofile(tmp_path / "raw")
    with h5py.File(tmp_path / "soup.h5", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "clips/feature")
        file.create_dataset("raw", (4, 3), "<f4", external=[(tmp_path / "raw", 0, 48)])
        layout = h5py.VirtualLayout(VALUES.shape, "<f4")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "clips/feature", VALUES.shape)
        file.create_virtual_dataset("virtual", layout)
    for key in (None, "link", "raw", "virtual"):
        with pytest.raises(InputError, match=r"soup\.h5"):
            read(tmp_path / "soup.h5", key)


def test_a_table_of_columns_leaves_out_those_that_say_where_a_row_is(tmp_path: Path) -> None:
    columns = {"start": [0.0, 1.5], "end": [1.5, 3.0], "x": [1, 2], "y": [3.0, 4.0]}
    pq.write_table(pa.table(columns), tmp_path / "soup.parquet")
    (tmp_path / "soup.csv").write_text("start,end,x,y\n0,1.5,1,3\n1.5,3,2,4\n")
    for name in ("soup.parquet", "soup.csv"):
        path = tmp_path / name
        features, starts = reader_of(path)(path, None)
        assert features.tolist() == [[1, 3], [2, 4]] and starts is not None
        assert starts.tolist() == [0, 1.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [("1,2\n3\n", "line 2: it has 1 values"), ("a,b\n1,2\n3,x\n", "line 3: could not convert")],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "soup.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read(tmp_path / "soup.csv")


@pytest.mark.parametrize(("second", "said"), [([3.0], "has 1 numbers"), (None, "has no list")])
def test_lists_of_other_lengths_are_named(
    tmp_path: Path, second: list[float] | None, said: str
) -> None:
    pq.write_table(pa.table({"f": [[1.0, 2.0], second]}), tmp_path / "soup.parquet")
    with pytest.raises(InputError, match=f"row 1 .*{said}"):
        read(tmp_path / "soup.parquet")
