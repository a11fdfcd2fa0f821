"""Small files that stand for videos at an address, worked through, and killed on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from feature_extraction.schema import SOURCE_KEY
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.report import Report
from workfolder.runner import run_job
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
SIZE = 5_000
MOST = 0.00004
"""Gigabytes: eight files."""
WORK_THROUGH = """
import sys
from pathlib import Path
from tests.toys.far_kitchen import work_through
report = work_through(sys.argv[1], Path(sys.argv[2]), workers=3, patience=float(sys.argv[3]))
for reason in report.failures.values():
    print(reason)
"""
"""For another process: what is given, the stage's folder, and the patience."""


@dataclass(frozen=True)
class Content(Maker):
    """What the file holds, and the captions beside it; notes the most that lay in the folder."""

    seen: list[int] = field(default_factory=list)

    def __call__(self, source: Source) -> Made:
        if source.address:
            self.seen.append(held(source.path.parents[1]))
        content = source.path.read_bytes()
        if content == b"bad":
            raise InputError(f"{source.path} is bad")
        captions = [each.read_text() for each in sorted(source.path.parent.glob("*.vtt"))]
        captions = captions if source.address else []
        return Made(
            pa.table({"video_id": [source.video_id], "content": [content], "said": [captions]})
        )


def held(folder: Path) -> int:
    """The bytes below a folder from which other threads remove files."""
    total = 0
    for below, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(below, name)).st_size
    return total


def kitchen(root: Path, videos: int) -> Path:
    for number in range(videos):
        path = root / "cooking" / f"group {number % 3}" / f"video_{number:03d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number:05d}".encode() * (SIZE // 5))
    return root


def work_through(
    given: str | Path, folder: Path, maker: Maker | None = None, **options: Any
) -> Report:
    defaults: dict[str, Any] = {"workers": 2, "patience": 5.0, "scratch_gb": MOST}
    job = JobOptions(scratch=folder.with_name("scratch"), **{**defaults, **options})
    stage = Stage(folder)
    stage.claim({"content": 1})
    return run_job(stage, find_videos([given]), maker or Content(), job)


def made(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def killed_midway(
    words: Sequence[object], work: Path, videos: int, environment: Mapping[str, str] | None = None
) -> int:
    """Run Python, kill it with -9 once a third of the videos is done, and count those."""
    command = [sys.executable, *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    end = time.monotonic() + 120
    while len(made(work)) < videos // 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = len(made(work))
    assert videos // 3 <= before < videos and list(work.with_name("scratch").iterdir())
    return before


def assert_as_from(local: Path, work: Path) -> None:
    """A stage has the bytes that a folder gives, and nothing that was fetched is left."""
    near = work.with_name("from a folder")
    assert work_through(local, near).complete
    assert made(work) == made(near)
    assert not list(work.with_name("scratch").iterdir())


def assert_same_features(near: Path, far: Path, video: str, address: str) -> None:
    """The features of a video are the same from a folder and from an address."""
    one, other = (read_table(work / "features" / f"{video}.parquet") for work in (near, far))
    assert one.equals(other) and one.num_rows
    assert other.schema.metadata[SOURCE_KEY].decode() == address
