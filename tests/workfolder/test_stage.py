"""The folder of a stage."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from workfolder.errors import InputError
from workfolder.files import STALE_SECONDS, write_table
from workfolder.stage import Stage, refuse_other_options

ROOT = Path(__file__).resolve().parents[2]


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
