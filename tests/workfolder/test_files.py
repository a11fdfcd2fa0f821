from __future__ import annotations

import errno
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
from workfolder.files import read_json, read_table, write_json, write_table, write_whole
from workfolder.stage import STALE_SECONDS, Stage, refuse_other_options

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


def test_other_options_are_refused_by_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    stage.claim({"weights": "random:0", "size": (1, 2)})
    stage.claim({"weights": "random:0", "size": (1, 2)})
    with pytest.raises(InputError, match="weights was 'random:0' and is now 'random:1'"):
        stage.claim({"weights": "random:1", "size": (1, 2)})
    assert stage.options()["weights"] == "random:0"


def test_options_of_a_version_before_are_accepted_at_any_depth(tmp_path: Path) -> None:
    """Which noted no versions of packages."""
    for there, wanted in (({}, {"av": "1"}), ({"av": "1"}, {"av": "2"}), ({"av": "1"}, {})):
        refuse_other_options(
            tmp_path, {"of": {"a": 1, "versions": there}}, {"of": {"a": 1}, "versions": wanted}
        )
    with pytest.raises(
        InputError, match=r"made with other options: of was {'a': 1} and is now {'a': 2}; use"
    ):
        refuse_other_options(tmp_path, {"of": {"a": 1, "versions": {}}}, {"of": {"a": 2}})


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


CLAIM = """
import sys, time
from pathlib import Path
from workfolder.errors import InputError
from workfolder.stage import Stage
while time.time() < float(sys.argv[3]):
    pass
try:
    Stage(Path(sys.argv[1])).claim({"weights": sys.argv[2]})
except InputError as error:
    sys.exit(3 if "other options" in str(error) else 4)
"""


def test_of_two_that_claim_at_once_one_is_refused(tmp_path: Path) -> None:
    for turn in range(5):
        folder, start = tmp_path / str(turn), str(time.time() + 0.4)
        claims = [
            subprocess.Popen(
                [sys.executable, "-c", CLAIM, str(folder), f"random:{number}", start], cwd=ROOT
            )
            for number in range(3)
        ]
        statuses = [claim.wait(timeout=60) for claim in claims]
        assert sorted(statuses) == [0, 3, 3]
        assert Stage(folder).options() == {"weights": f"random:{statuses.index(0)}"}
        assert [path.name for path in folder.iterdir()] == ["options.json"]


def test_a_claim_that_comes_a_moment_later_does_not_replace_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path / "features")
    monkeypatch.setattr(Path, "exists", lambda path: False)  # both looked before either wrote
    stage.claim({"weights": "random:0"})
    with pytest.raises(InputError, match="weights was 'random:0' and is now 'random:1'"):
        stage.claim({"weights": "random:1"})
    assert stage.options() == {"weights": "random:0"}


def test_where_the_disk_has_no_links_a_stage_can_be_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    Stage(tmp_path / "features").claim({"a": 1})
    assert Stage(tmp_path / "features").options() == {"a": 1}


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
    """An error of safetensors is no OSError; of a file in an unfinished folder, whose name nobody knows, the place is told."""
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


def test_what_a_killed_run_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for name, age in (
        (".old.part", 2 * STALE_SECONDS),
        (".young.part", 60),
        ("kept.parquet", 2 * STALE_SECONDS),
    ):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    stage.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".young.part", "kept.parquet"]
