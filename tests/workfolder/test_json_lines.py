from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workfolder.json_lines import append_rows, read_rows

ROOT = Path(__file__).resolve().parents[2]


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.jsonl"
    assert list(read_rows(path)) == []
    append_rows(path, [{"n": 1}, {"n": 2}])
    append_rows(path, [])
    append_rows(path, [{"n": 3}])
    assert list(read_rows(path)) == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize(
    "tail", [b'{"video": "b"', b'{"video": "\xc3', b"\x00" * 600, b"{", b'{"video": "b"}']
)
def test_a_row_that_was_cut_off_costs_only_itself(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"n": 1}])
    with path.open("ab") as file:
        file.write(tail)
    append_rows(path, [{"n": 2}])
    assert [row for row in read_rows(path) if "n" in row] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_row_is_whole_or_passed_over_wherever_it_is_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"name": "süß"}, {"name": "soup\n\u2028\r1"}])
    path.write_bytes(path.read_bytes()[:-cut])
    append_rows(path, [{"name": "next"}])
    names = [row["name"] for row in read_rows(path)]
    assert names in (["süß", "soup\n\u2028\r1", "next"], ["süß", "next"], ["next"])
    assert names[-1] == "next" and (len(names) == 3) == (cut == 1)


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "a\r\nb",
        "a\u2028b\x85",
        "süß",
        os.fsdecode(b"caf\xe9"),
        "\udc80",
        "\U0001f372",
        'a"\\',
    ],
)
def test_every_name_comes_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"path": name}])
    assert list(read_rows(path)) == [{"path": name}]
    assert len(path.read_bytes().splitlines()) == 1
    path.read_text(encoding="utf-8")


def test_names_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"path": "süß.mp4"}])
    assert "süß.mp4" in path.read_text(encoding="utf-8")


WRITER = """
import sys
from pathlib import Path
from workfolder.json_lines import append_rows
for turn in range(20):
    row = {"writer": sys.argv[2], "turn": turn, "pad": "x" * 40}
    rows = (row | {"row": number} for number in range(500))
    append_rows(Path(sys.argv[1]), rows)
"""


def test_processes_that_add_at_once_tear_no_row(tmp_path: Path) -> None:
    """Each batch is 40 KB: more than a buffered file writes in one piece."""
    path = tmp_path / "rows.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)], cwd=ROOT)
        for number in range(4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(row["writer"], row["turn"], row["row"]) for row in rows} == {
        (str(writer), turn, row) for writer in range(4) for turn in range(20) for row in range(500)
    }
    assert len(rows) == 4 * 20 * 500


def test_rows_are_on_the_disk_before_add_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"n": 1}])
    append_rows(path, [{"n": 2}])
    assert sizes == [9, 18]
