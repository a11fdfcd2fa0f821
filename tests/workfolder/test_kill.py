from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from workfolder.damaged_files import find_damage
from workfolder.guard import Guards
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = 40
HANG = 30


def read_slowly(path: Path) -> Iterator[np.ndarray]:
    """Runs in the process behind a guard."""
    for number in path.read_bytes():
        time.sleep(0.004)
        yield np.full(2000, number)


@dataclass(frozen=True)
class Sum(Maker):
    """The sum of each byte's array; each call is noted beside the source."""

    guards: Guards = field(default_factory=Guards)

    def __call__(self, source: Source) -> Made:
        with (source.path.parent / "calls").open("a") as calls:
            calls.write(f"{source.video_id}\n")
        reading = self.guards.stream(read_slowly, source.path)
        sums = [int(numbers.sum()) for numbers in reading]
        return Made(pa.table({"video_id": [source.video_id] * len(sums), "sum": sums}))

    def close(self) -> None:
        self.guards.close()


def run(corpus: Path, stage: Stage) -> None:
    stage.claim({"sum": 1})
    sources = [Source(path.stem, path) for path in sorted(corpus.glob("*.mp4"))]
    report = run_job(stage, sources, Sum(), JobOptions(workers=2, retry_failed=True))
    assert report.complete


PARENT = """
import sys
from pathlib import Path
from tests.workfolder.test_kill import Stage, run
run(Path(sys.argv[1]), Stage(Path(sys.argv[2])))
"""


def start(corpus: Path, stage: Stage) -> subprocess.Popen[bytes]:
    """The same in a process group of its own."""
    command = [sys.executable, "-c", PARENT, str(corpus), str(stage.folder)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def visible(stage: Stage) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in stage.folder.glob("*.parquet")}


def calls(corpus: Path) -> list[str]:
    noted = corpus / "calls"
    return noted.read_text().split() if noted.exists() else []


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(VIDEOS):
        (folder / f"video_{number:02d}.mp4").write_bytes(bytes([number, 2, 3, number]))
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    stage = Stage(tmp_path_factory.mktemp("undisturbed"))
    run(corpus, stage)
    assert len(visible(stage)) == VIDEOS
    return visible(stage)


def children(pid: int) -> list[int]:
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def kill(victim: str, parent: subprocess.Popen[bytes]) -> None:
    """Kill what is meant, and its parent in the end; nobody may be left."""
    decoders = children(parent.pid)
    if victim == "decoder" and decoders:
        os.kill(decoders[0], signal.SIGKILL)
        time.sleep(0.03)
        decoders += children(parent.pid)
    if victim == "group":
        with contextlib.suppress(ProcessLookupError):  # it was faster
            os.killpg(parent.pid, signal.SIGKILL)
    parent.kill()
    parent.wait()
    end = time.monotonic() + HANG
    while not all(map(gone, decoders)):
        assert time.monotonic() < end, "a decoder outlived its parent"
        time.sleep(0.01)


@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments_change_nothing(
    corpus: Path, undisturbed: dict[str, bytes], tmp_path: Path, kills: int
) -> None:
    rng = random.Random(kills)
    stages = [Stage(tmp_path / "stage")]
    survived = 0
    for turn in range(kills):
        stage = stages[-1]
        finished, before = set(stage.done()), len(calls(corpus))
        parent = start(corpus, stage)
        end = time.monotonic() + HANG
        while len(calls(corpus)) < before + 3 and parent.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.15))
        kill(("group", "parent", "decoder")[turn % 3], parent)
        assert not finished & set(calls(corpus)[before:])
        assert visible(stage).items() <= undisturbed.items()
        survived += len(stage.done()) - len(finished)
        account = Ledger(stage).read()
        assert len(account.done) + len(account.failed) + len(account.waiting) == VIDEOS
        if len(finished) > VIDEOS * 3 / 4:  # little is left to disturb
            stages.append(Stage(tmp_path / f"stage_{turn}"))
    assert survived > kills  # so the kills came in the middle of work
    for stage in stages:
        finished, before = set(stage.done()), len(calls(corpus))
        run(corpus, stage)
        assert visible(stage) == undisturbed and not find_damage(stage)
        assert sorted(calls(corpus)[before:]) == sorted(
            {Path(name).stem for name in undisturbed} - finished
        )
        account = Ledger(stage).read()
        assert (len(account.done), account.failed, account.waiting) == (VIDEOS, {}, frozenset())


@pytest.mark.parametrize("runs", [2, 5])
def test_runs_at_once_on_one_folder_give_the_same_files(
    corpus: Path, undisturbed: dict[str, bytes], tmp_path: Path, runs: int
) -> None:
    stage = Stage(tmp_path / "stage")
    parents = [start(corpus, stage) for _ in range(runs)]
    assert [parent.wait(timeout=HANG * 2) for parent in parents] == [0] * runs
    assert visible(stage) == undisturbed and not find_damage(stage)
    account = Ledger(stage).read()
    assert (len(account.done), account.failed, account.waiting) == (VIDEOS, {}, frozenset())
    assert not list(stage.folder.glob(".*.part"))


def test_a_source_that_vanishes_is_a_row_of_its_own(corpus: Path, tmp_path: Path) -> None:
    class Vanishing(Sum):
        def __call__(self, source: Source) -> Made:
            (tmp_path / "b.mp4").unlink(missing_ok=True)
            return super().__call__(source)

    for name in "abc":
        (tmp_path / f"{name}.mp4").write_bytes(b"123")
    sources = [Source(name, tmp_path / f"{name}.mp4") for name in "abc"]
    report = run_job(Stage(tmp_path / "stage"), sources, Vanishing(Guards()))
    assert report.now == 2 and set(report.failures) == {"b"} and "b.mp4" in report.failures["b"]


def test_a_finished_job_of_many_videos_opens_nothing_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many inputs are done, the same few files are opened and none is asked about."""

    def calls_of_a_finished_job(count: int) -> Counter[str]:
        stage, made = Stage(tmp_path / str(count)), Counter[str]()
        sources = [Source(f"video_{number}", tmp_path / f"{number}.mp4") for number in range(count)]
        Ledger(stage).expect(sources)
        with monkeypatch.context() as patch:
            patch.setattr(Stage, "done", lambda _: sorted(one.video_id for one in sources))
            for module, name in ((io, "open"), (os, "open"), (os, "stat"), (os, "fsync")):
                call = getattr(module, name)
                patch.setattr(module, name, counted(call, f"{module.__name__}.{name}", made))
            report = run_job(stage, sources, Sum(Guards()))
        assert (report.before, report.now, calls(tmp_path)) == (count, 0, [])
        return made

    few, many = calls_of_a_finished_job(100), calls_of_a_finished_job(10_000)
    assert many == few and few.total() < 50


def counted(call: Callable[..., Any], name: str, made: Counter[str]) -> Callable[..., Any]:
    """A function that counts its calls."""

    def count(*arguments: Any, **options: Any) -> Any:
        made[name] += 1
        return call(*arguments, **options)

    return count
