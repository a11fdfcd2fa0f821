from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_extraction.imported.tables import Columns, VideoRows, read_rows, to_seconds
from workfolder.errors import InputError

TWO = [(0.0, 2.0, "cut it"), (3.0, 4.5, "fry it")]


def read(folder: Path, content: Any, name: str = "a.json", **columns: str) -> list[VideoRows]:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(read_rows(path, Columns(**columns)))


ROWS = [
    {"video": "v", "start": start, "end": end, "text": text, "id": 7} for start, end, text in TWO
]
UNNAMED = [{"start": start, "end": end, "sentence": text} for start, end, text in TWO]
LISTS = {"text": [t for *_, t in TWO], "start": [s for s, *_ in TWO], "end": [e for _, e, _ in TWO]}
PAIRS = [{"segment": [start, end], "id": 0, "sentence": text} for start, end, text in TWO]
DENSE = {"duration": 9, "timestamps": [[s, e] for s, e, _ in TWO], "sentences": LISTS["text"]}


@pytest.mark.parametrize(
    ("document", "in_lists"),
    [
        (ROWS, False),
        ({"v": LISTS}, True),
        ({"v": UNNAMED}, False),
        ({"v": DENSE}, True),
        ({"database": {"v": {"subset": "training", "annotations": PAIRS}}}, False),
        ({"width": 3, "recordings": [{"video_id": "v", "steps": UNNAMED}]}, False),
        ({"video": "v", "segments": UNNAMED}, False),
        ([{**UNNAMED[0], "video": "https://youtu.be/v__________"}], False),
    ],
)
def test_layouts_of_json_give_the_same_rows(tmp_path: Path, document: Any, in_lists: bool) -> None:
    (found,) = read(tmp_path, document)
    assert found.video in ("v", "v__________") and not found.problem
    assert found.rows == TWO[: len(found.rows)] and found.in_lists == in_lists


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_tables_give_the_same_rows(tmp_path: Path, name: str) -> None:
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / name)
        (found,) = read_rows(tmp_path / name, Columns())
    else:
        mark = "\t" if name == "a.tsv" else ","
        lines = [mark.join(["Video ID", "start time", "end", "text"])]
        lines += [mark.join(["v", str(s), str(e), text]) for s, e, text in TWO]
        text = "\n".join(map(json.dumps, ROWS)) if name == "a.jsonl" else "\n".join(lines)
        (found,) = read(tmp_path, text, name)
    assert (found.video, found.rows) == ("v", TWO)


def test_columns_have_the_names_that_are_given(tmp_path: Path) -> None:
    text = "File,From,To,text,Done\n7,0:01,1:02:03.5,cut,cut it\n"
    named = {"video": "File", "start": "From", "end": "To", "text": "Done"}
    (found,) = read(tmp_path, text, "a.csv", **named)
    assert found.video == "7" and found.rows == [(1.0, 3723.5, "cut it")]
    with pytest.raises(InputError, match="has no column Said: give --text, one of File, From"):
        read(tmp_path, text, "a.csv", text="Said")


def test_rows_without_video_end_or_text_are_kept(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "start,text\n0,cut it\n5,\n", "a.csv")
    assert found.video is None and found.rows == [(0.0, None, "cut it"), (5.0, None, "")]
    (found,) = read(tmp_path, [{"start": 1, "duration": 2, "text": "cut"}])
    assert found.rows == [(1.0, 3.0, "cut")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("v,nan,1,x", "line 3: its start is not a time"),
        ("v,5,1,x", "line 3: it goes from 5 s to 1 s"),
        ("v,-2,1,x", "line 3: it goes from -2 s to 1 s"),
    ],
)
def test_a_row_with_impossible_times_is_named(tmp_path: Path, row: str, said: str) -> None:
    (found,) = read(tmp_path, f"video,start,end,text\nv,0,1,fine\n{row}\n", "a.csv")
    assert found.problem == said


def test_lists_of_other_lengths_are_named(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"v": {**LISTS, "start": [0.0]}})
    assert found.problem and "are not as many" in found.problem


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.parquet", "a.tsv"])
def test_damaged_files_are_refused_with_their_names(tmp_path: Path, name: str) -> None:
    for content in (b"", b"\xff\xfe\x00rubbish"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            list(read_rows(tmp_path / name, Columns()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, 2), ("2.5", 2.5), ("1:02", 62), ("01:00:01,5", 3601.5), ("x", None), (True, None)],
)
def test_times_are_numbers_or_clocks(value: Any, expected: float | None) -> None:
    assert to_seconds(value) == expected
