from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from feature_extraction.errors import InputError
from feature_extraction.jobs import failed, run_job
from feature_extraction.sources import Source
from feature_extraction.storage import Stage, read_table


@dataclass(frozen=True)
class CountLetters:
    """Fails on files that say so, and notes each call in a file beside them."""

    def __call__(self, source: Source) -> pa.Table:
        with (source.path.parent / "calls").open("a") as calls:
            calls.write(f"{source.video_id}\n")
        text = source.path.read_text()
        if text == "bad":
            raise InputError(f"{source.path} is bad: mend it")
        if text == "bug":
            raise ZeroDivisionError("a bug")
        if text == "die":
            os._exit(9)
        return pa.table({"letters": [len(text)]})


def make_sources(folder: Path, **texts: str) -> list[Source]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [Source(name, folder / name) for name in texts]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_input_is_done_or_failed_with_its_reason(tmp_path: Path, workers: int) -> None:
    stage = Stage(tmp_path / "stage")
    stage.claim({})
    sources = make_sources(tmp_path, a="one", b="bad", c="three", d="bug")
    report = run_job(stage, sources, CountLetters(), workers)
    assert (report.before, report.now, set(report.failures)) == (0, 2, {"b", "d"})
    assert "mend it" in report.failures["b"] and "ZeroDivisionError" in report.failures["d"]
    assert stage.done() == ["a", "c"] and set(failed(stage)) == {"b", "d"}
    assert read_table(stage.path("c"))["letters"].to_pylist() == [5]


def test_a_second_run_does_only_what_is_missing(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    stage.claim({})
    sources = make_sources(tmp_path, a="one", b="bad")
    run_job(stage, sources, CountLetters())
    (tmp_path / "b").write_text("mended")
    (tmp_path / "calls").unlink()
    report = run_job(stage, sources, CountLetters())
    assert (report.before, report.now, report.complete) == (1, 1, True)
    assert (tmp_path / "calls").read_text() == "b\n"
    assert not failed(stage)
    assert str(run_job(stage, sources, CountLetters())) == "stage: done already, nothing to do"


def test_a_worker_that_dies_ends_the_job_and_keeps_what_is_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    stage.claim({})
    sources = make_sources(tmp_path, a="one", z="die")
    with pytest.raises(InputError, match="a worker process died"):
        run_job(stage, sources, CountLetters(), workers=2)


def test_progress_tells_every_video(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    stage.claim({})
    told: list[tuple[int, int]] = []
    run_job(
        stage,
        make_sources(tmp_path, a="1", b="2"),
        CountLetters(),
        progress=lambda _, done, total, detail="": told.append((done, total)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]


@dataclass(frozen=True)
class NoteProcessAndWait:
    """Writes which process it runs in, then takes its time."""

    def __call__(self, source: Source) -> pa.Table:
        (source.path.parent / f"{source.video_id}.pid").write_text(str(os.getpid()))
        time.sleep(60)
        return pa.table({"a": [1]})


def _job_of_sleepers(folder: str) -> None:
    sources = [Source(name, Path(folder) / name) for name in "ab"]
    run_job(Stage(Path(folder) / "stage"), sources, NoteProcessAndWait(), workers=2)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"from tests.feature_extraction.test_jobs import _job_of_sleepers; _job_of_sleepers({str(tmp_path)!r})"
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: all((tmp_path / f"{name}.pid").exists() for name in "ab"))
    workers = [int((tmp_path / f"{name}.pid").read_text()) for name in "ab"]
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
