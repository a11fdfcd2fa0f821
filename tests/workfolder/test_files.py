from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from safetensors import SafetensorError

from feature_extraction.schema import features_schema
from workfolder.errors import InputError
from workfolder.files import (
    STALE_SECONDS,
    exclusive_lock,
    read_json,
    read_table,
    write_folder,
    write_json,
    write_table,
    write_whole,
)
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]


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


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "video.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match=r"video\.parquet"):
        read_table(tmp_path / "video.parquet")
    (tmp_path / "options.json").write_text("{")
    with pytest.raises(InputError, match=r"options\.json"):
        read_json(tmp_path / "options.json")


def test_a_file_is_flushed_before_and_its_folder_after_the_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    path = tmp_path / "video.parquet"

    def note_flush(descriptor: int) -> None:
        flushed = os.readlink(f"/proc/self/fd/{descriptor}")
        steps.append(
            "folder" if flushed == str(tmp_path) else f"file of {os.path.getsize(flushed)}"
        )

    def note_name(part: Path, name: Path) -> None:
        steps.append("name")
        rename(part, name)

    rename = os.replace
    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(os, "replace", note_name)
    write_table(pa.table({"a": [1]}), path)
    assert steps == [f"file of {path.stat().st_size}", "name", "folder"]


def test_all_that_lies_in_a_folder_is_flushed_before_the_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    with write_whole(tmp_path / "folder") as part:
        (part / "deep").mkdir(parents=True)
        (part / "deep" / "file").write_text("whole")
    assert flushed == [*map(str, (part, part / "deep", part / "deep" / "file", tmp_path))]


def test_weights_that_find_no_room_are_refused_by_name(tmp_path: Path) -> None:
    """Of a file in an unfinished folder, whose name nobody knows, the message names the place."""
    model, full = (
        tmp_path / "model",
        SafetensorError("I/O error: No space left on device (os error 28)"),
    )
    with (
        pytest.raises(InputError, match=rf"^{model} cannot be written \(I/O error: No space"),
        write_whole(model),
    ):
        raise full
    refusal = pytest.raises(InputError, match=rf"^{tmp_path} cannot be written \(I/O error")
    with refusal, write_whole(model) as part, write_whole(part / "weights"):
        raise full
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["file/x.json", "file/deep/x.json", "folder"])
def test_where_nothing_can_be_written_the_path_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").touch()
    with pytest.raises(InputError, match=rf"{name}.* cannot be written .*GB are free"):
        write_json({}, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_equal_rows_give_equal_bytes_however_they_are_chunked(tmp_path: Path) -> None:
    whole = pa.table({"a": pa.array(range(5000)), "b": pa.array(["x", None] * 2500)})
    write_table(whole, tmp_path / "whole.parquet")
    write_table(pa.concat_tables([whole.slice(0, 7), whole.slice(7)]), tmp_path / "chunks.parquet")
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "chunks.parquet").read_bytes()


def test_rows_read_back_have_the_schema_they_were_written_with(tmp_path: Path) -> None:
    table = features_schema(4).empty_table()
    write_table(table, tmp_path / "video.parquet")
    assert read_table(tmp_path / "video.parquet").schema == table.schema


WRITER = """
import os, sys, time
from pathlib import Path
from workfolder.files import write_folder
with write_folder(Path(sys.argv[1])) as part:
    (part / "weights").write_text("half")
    print(part, flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_a_folder_that_a_killed_run_left_is_removed_and_one_in_work_is_not(tmp_path: Path) -> None:
    def begin(name: str) -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", WRITER, str(tmp_path / name), "60"]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        return writer, Path(writer.stdout.readline().strip())

    (killed, left), (alive, in_work) = begin("model"), begin("other")
    killed.kill()
    killed.wait()
    kept = tmp_path / ".mine.part"
    kept.mkdir()
    for folder in (left, in_work, kept):
        os.utime(folder, (time.time() - 60,) * 2)
    try:
        with write_folder(tmp_path / "model") as part:
            (part / "weights").write_text("whole")
        assert not left.exists() and in_work.exists() and kept.exists()
        assert (tmp_path / "model" / "weights").read_text() == "whole"
    finally:
        alive.kill()
        alive.wait()


@pytest.mark.parametrize(("age", "stays"), [(STALE_SECONDS / 2, True), (2 * STALE_SECONDS, False)])
def test_where_folders_have_no_locks_age_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, stays: bool
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # as NFS says of a folder

    left = tmp_path / f".{'0' * 32}.part"
    left.mkdir()
    os.utime(left, (time.time() - age,) * 2)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with write_folder(tmp_path / "model") as part:
        (part / "weights").write_text("whole")
    assert left.exists() is stays


def test_a_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    with pytest.raises(InputError, match=r"options\.json cannot be locked .*see that"):
        exclusive_lock(path, "busy").__enter__()
    path.touch()
    with exclusive_lock(path, "busy"), pytest.raises(InputError, match=r"^busy$"):
        exclusive_lock(path, "busy").__enter__()
    with exclusive_lock(path, "busy"):
        pass


def test_an_address_is_refused_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for write in (write_whole, write_folder):
        with (
            pytest.raises(InputError, match=r"^s3://bucket/model is an address"),
            write(Path("s3://bucket/model")),
        ):
            raise AssertionError("nothing may be written")
    with pytest.raises(InputError, match=r"^s3://bucket/features is an address"):
        Stage(Path("s3://bucket/features"))
    assert not list(tmp_path.iterdir())
