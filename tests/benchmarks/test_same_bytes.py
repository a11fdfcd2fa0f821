from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.same_bytes import compare
from workfolder.files import write_json


def write_street(folder: Path, loss: float = 1.0, tokens: tuple[int, ...] = (1, 2)) -> None:
    """Write a folder of the kinds of file that a street has."""
    (folder / "tensorboard").mkdir(parents=True)
    (folder / "tensorboard" / "events").write_text(folder.name)
    (folder / "losses.png").write_text(folder.name)
    write_json({"loss": loss, "step": 3}, folder / "history.json")
    table = pa.table({"video_id": ["a", "a"], "token": list(tokens)})
    pq.write_table(table, folder / "tokens.parquet")


def test_streets_that_differ_only_in_plots_and_clocks_are_the_same(tmp_path: Path) -> None:
    for name in ("old", "new"):
        write_street(tmp_path / name)
    assert compare(tmp_path, "old", "new") == []


def test_each_file_that_differs_is_named_with_what_differs(tmp_path: Path) -> None:
    write_street(tmp_path / "old")
    write_street(tmp_path / "new", loss=2.0, tokens=(1, 3))
    (tmp_path / "old" / "model.bin").write_bytes(b"ab")
    (tmp_path / "new" / "model.bin").write_bytes(b"abc")
    (tmp_path / "old" / "gone.json").write_text("1")
    (tmp_path / "new" / "added.json").write_text("1")
    assert compare(tmp_path, "old", "new") == [
        "gone.json: only in old",
        "added.json: only in new",
        "history.json: loss 1.0 -> 2.0",
        "model.bin: 2 and 3 bytes",
        "tokens.parquet: columns ['token']",
    ]


def test_tables_of_other_columns_or_other_metadata_differ(tmp_path: Path) -> None:
    for name, table in (
        ("old", pa.table({"a": [1], "b": [2]})),
        ("new", pa.table({"a": [1]})),
        ("noted", pa.table({"a": [1]}).replace_schema_metadata({"source": "film.mp4"})),
    ):
        (tmp_path / name).mkdir()
        pq.write_table(table, tmp_path / name / "t.parquet")
    assert compare(tmp_path, "old", "new") == ["t.parquet: columns ['b']"]
    assert compare(tmp_path, "new", "old") == ["t.parquet: columns ['b']"]
    assert compare(tmp_path, "new", "noted") == ["t.parquet: the schema"]
