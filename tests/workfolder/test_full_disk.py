from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from tests.toys.command_line import Result
from workfolder.damaged_files import find_damage
from workfolder.errors import InputError
from workfolder.files import write_whole
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.report import Report
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
KILLED = 9
SOURCES = [Source(name, Path(name)) for name in ("whole_1", "bad_2", "half_3", "whole_4")]


class Fill(Maker):
    """4 KB of rows for each video that is not bad."""

    def __call__(self, source: Source) -> Made:
        if source.video_id.startswith("bad"):
            raise InputError(f"{source.path} is bad: mend it")
        noise = [hashlib.sha512(f"{source.video_id} {row}".encode()).digest() for row in range(64)]
        table = pa.table({"video_id": [source.video_id] * 64, "noise": noise})
        return Made(table, "ends early" if source.video_id.startswith("half") else None)


def run(folder: Path) -> Report:
    stage = Stage(folder)
    stage.claim({"noise": 64})
    return run_job(stage, SOURCES, Fill(), JobOptions(workers=2))


def visible(folder: Path) -> dict[str, bytes]:
    """What readers see, the books aside."""
    names = [*folder.glob("*.parquet"), *folder.glob("options.json")] if folder.is_dir() else []
    return {path.name: path.read_bytes() for path in names}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return visible(folder)


def assert_all_is_well(folder: Path, undisturbed: dict[str, bytes]) -> None:
    assert visible(folder) == undisturbed
    account = Ledger(Stage(folder)).read()
    assert (account.done, account.failed.keys()) == ({"whole_1", "half_3", "whole_4"}, {"bad_2"})
    assert (
        account.partial.keys() == {"half_3"}
        and not account.waiting
        and not find_damage(Stage(folder))
    )


@dataclass
class FullAt:
    """The disk is full for the n-th call of a function, and was not before."""

    call: Callable[..., Any]
    countdown: int

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.countdown -= 1
        if self.countdown:
            return self.call(*arguments, **options)
        if self.call is pq.write_table:
            arguments[1].write_bytes(b"PAR1 half a file")
        self.fail()

    def fail(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class KilledAt(FullAt):
    """The process is killed there."""

    def fail(self) -> None:
        os._exit(KILLED)


STEPS = [(os, "fsync", 11), (os, "replace", 3), (pq, "write_table", 3)]
"""What needs room, and how often it is called at least."""


@pytest.mark.parametrize(
    ("module", "name", "least"),
    STEPS,
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_full_disk_at_any_step_loses_nothing(
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    least: int,
) -> None:
    reached_the_end = False
    count = 0
    while not reached_the_end:
        count += 1
        folder = tmp_path / str(count) / "stage"
        folder.parent.mkdir()
        with monkeypatch.context() as patch:
            fault = FullAt(getattr(module, name), count)
            patch.setattr(module, name, fault)
            try:
                run(folder)
                reached_the_end = fault.countdown > 0
                assert reached_the_end, f"{name} number {count} failed and nobody was told"
            except InputError as error:
                message = str(error)
                assert (
                    str(folder) in message
                    and "No space left" in message
                    and "GB are free" in message
                )
        assert visible(folder).items() <= undisturbed.items()
        assert not list(folder.glob(".*.part"))
        run(folder)
        assert_all_is_well(folder, undisturbed)
    assert count > least


KILLS = """
import os, sys
from pathlib import Path
from tests.workfolder import test_full_disk as trial
module, name, _ = trial.STEPS[int(sys.argv[1])]
count, status = 0, trial.KILLED
while status == trial.KILLED:
    count += 1
    if not (child := os.fork()):
        setattr(module, name, trial.KilledAt(getattr(module, name), count))
        trial.run(Path(sys.argv[2]) / str(count))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status)
"""
"""Job after job, killed at the first, second, ... call of a function, until one runs to its end."""


@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for _, name, _ in STEPS])
def test_a_kill_at_any_step_loses_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes], step: int
) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLS, str(step), str(tmp_path)], cwd=ROOT, check=True, timeout=120
    )
    folders = list(tmp_path.iterdir())
    assert len(folders) > STEPS[step][2]
    for folder in folders:
        assert visible(folder).items() <= undisturbed.items()
        run(folder)
        assert_all_is_well(folder, undisturbed)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of so many KB, which can be made larger."""
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or os.geteuid():
        pytest.skip("only root can mount a small tmpfs")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", place], capture_output=True
    ).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")

    def grow(kilobytes: int) -> Path:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", place], check=True)
        return place / "stage"

    yield grow
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_grows_step_by_step_ends_with_the_same_files(
    small_disk: Callable[[int], Path], undisturbed: dict[str, bytes]
) -> None:
    refused = 0
    for kilobytes in range(4, 200, 4):
        folder = small_disk(kilobytes)
        try:
            run(folder)
            break
        except InputError as error:
            assert str(folder) in str(error) and "No space left" in str(error)
            refused += 1
        assert visible(folder).items() <= undisturbed.items()
    assert refused >= 5
    run(folder)
    assert_all_is_well(folder, undisturbed)


def test_weights_that_a_disk_has_no_room_for_are_refused(small_disk: Callable[[int], Path]) -> None:
    folder = small_disk(64)
    with (
        pytest.raises(InputError, match=rf"{folder} cannot be written .*No space left"),
        write_whole(folder) as part,
    ):
        part.mkdir()
        save_file({"weights": np.zeros(2**16)}, part / "weights.safetensors")
    assert not list(folder.parent.iterdir())


def test_the_command_line_says_so_and_fails(
    tmp_path: Path, videobert: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "soup.mp4").write_bytes(b"not looked into")
    (tmp_path / "soup.en.vtt").write_text(
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nnow we stir the soup\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", FullAt(os.replace, 1))
        result = videobert("transcribe", tmp_path, "--work", tmp_path / "work")
    assert result.status != 0 and "No space left" in result.err and "soup.parquet" in result.err
    assert "Traceback" not in result.err
    assert videobert("transcribe", tmp_path, "--work", tmp_path / "work").status == 0
