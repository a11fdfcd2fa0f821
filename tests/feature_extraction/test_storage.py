from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from feature_extraction.errors import InputError
from feature_extraction.storage import Stage, read_json, read_table, write_json, write_table, write_whole


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    write_json({"kept": 1}, tmp_path / "file.json")
    with pytest.raises(RuntimeError), write_whole(tmp_path / "file.json") as part:
        part.write_text("half")
        raise RuntimeError
    assert read_json(tmp_path / "file.json") == {"kept": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_folder_is_whole_or_absent(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), write_whole(tmp_path / "folder") as part:
        part.mkdir()
        (part / "file").write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with write_whole(tmp_path / "folder") as part:
        part.mkdir()
        (part / "file").write_text("whole")
    assert (tmp_path / "folder" / "file").read_text() == "whole"


def test_other_options_are_refused_by_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    stage.claim({"weights": "random:0", "size": (1, 2)})
    stage.claim({"weights": "random:0", "size": (1, 2)})
    with pytest.raises(InputError, match="weights was 'random:0' and is now 'random:1'"):
        stage.claim({"weights": "random:1", "size": (1, 2)})
    assert stage.options()["weights"] == "random:0"


def test_done_counts_whole_files_only(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    write_table(pa.table({"a": [1]}), stage.path("b"))
    write_table(pa.table({"a": [1]}), stage.path("a.1"))
    (stage.folder / ".0123.part").write_bytes(b"half")
    assert stage.done() == ["a.1", "b"]


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "video.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match=r"video\.parquet"):
        read_table(tmp_path / "video.parquet")
    (tmp_path / "options.json").write_text("{")
    with pytest.raises(InputError, match=r"options\.json"):
        read_json(tmp_path / "options.json")
