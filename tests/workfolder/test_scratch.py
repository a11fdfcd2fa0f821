"""Videos at addresses are fetched ahead, whole, into a folder that stays small."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.toys.bucket import SECRET, Bucket, bucket
from workfolder.errors import InputError
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.report import Report
from workfolder.runner import run_job
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = 200
FEW = 60
SIZE = 5_000
MOST = 0.00004
"""Gigabytes: eight files."""


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


@pytest.fixture
def there(tmp_path: Path) -> Iterator[type[Bucket]]:
    kitchen(tmp_path / "bucket", FEW)
    with bucket(tmp_path / "bucket") as made:
        yield made


def test_a_bucket_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, there: type[Bucket]
) -> None:
    kitchen(there.root, VIDEOS)
    there.delay = 0.001
    there.faults.update({f"video_{number:03d}.mp4": 1 + number % 2 for number in range(0, 200, 29)})
    there.changes["video_077.mp4"] = 1
    maker = Content()
    report = work_through("s3://kitchen/cooking/", tmp_path / "remote", maker, workers=3)
    assert report.complete and report.now == VIDEOS
    assert work_through(there.root / "cooking", tmp_path / "local").complete
    assert made(tmp_path / "remote") == made(tmp_path / "local")
    assert SIZE <= max(maker.seen) <= MOST * 1e9
    assert there.reads["video_029.mp4"] == 3 and there.reads["video_077.mp4"] == 2
    assert not list((tmp_path / "scratch").iterdir())
    noted = Stage(tmp_path / "remote").folder / "inputs.jsonl"
    assert "s3://kitchen/cooking/group 0/video_000.mp4" in noted.read_text()


def test_what_cannot_be_fetched_is_a_failure_that_can_be_tried_again(
    tmp_path: Path, there: type[Bucket]
) -> None:
    there.faults["video_001.mp4"] = 10**6
    (there.root / "cooking" / "bad.mp4").write_bytes(b"bad")
    (there.root / "cooking" / "large.mp4").write_bytes(bytes(50_000))
    listing = tmp_path / "videos.txt"
    listing.write_text("s3://kitchen/cooking/\ns3://kitchen/none.mp4\n")
    report = work_through(listing, tmp_path / "work", patience=1.0)
    assert report.now == FEW - 1
    assert report.failures.keys() == {"group%201%2Fvideo_001", "bad", "large", "none"}
    assert "(ConnectionError; tried 2 times)" in report.failures["group%201%2Fvideo_001"]
    assert report.failures["bad"] == "s3://kitchen/cooking/bad.mp4 is bad"
    assert "more than --scratch-gb" in report.failures["large"]
    assert report.failures["none"] == "s3://kitchen/none.mp4 is not there"
    books = Ledger(Stage(tmp_path / "work"))
    assert SECRET not in f"{report.failures}{books.notes()}"
    there.faults.clear()
    report = work_through(listing, tmp_path / "work", retry_failed=True, scratch_gb=1.0)
    assert report.failures.keys() == {"bad", "none"}


KILLED = """
import sys
from pathlib import Path
from tests.toys.bucket import bucket
from tests.workfolder.test_scratch import work_through
with bucket(Path(sys.argv[1])) as there:
    there.delay = 0.05
    work_through("s3://kitchen/cooking/", Path(sys.argv[2]))
"""


def test_after_a_kill_the_same_command_goes_on_and_clears_the_folder(
    tmp_path: Path, there: type[Bucket]
) -> None:
    work = tmp_path / "work"
    command = [sys.executable, "-c", KILLED, str(there.root), str(work)]
    process = subprocess.Popen(command, cwd=ROOT)
    end = time.monotonic() + 120
    while len(made(work)) < 20 and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = len(made(work))
    assert 20 <= before < FEW and list((tmp_path / "scratch").iterdir())
    report = work_through("s3://kitchen/cooking/", work)
    assert report.complete and report.now == FEW - before
    assert not list((tmp_path / "scratch").iterdir())
    assert work_through(there.root / "cooking", tmp_path / "local").complete
    assert made(work) == made(tmp_path / "local")


def test_captions_beside_a_video_are_fetched_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "bucket"
    for name in ("a.mp4", "a.vtt", "a.en.vtt", "a.b.mp4", "a.b.en.vtt", "other.vtt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    with bucket(folder):
        assert work_through("s3://kitchen/", tmp_path / "work").complete
    said = {
        path.stem: pq.read_table(path)["said"][0].as_py()
        for path in (tmp_path / "work").glob("*.parquet")
    }
    assert said == {"a": ["a.en.vtt", "a.vtt"], "a.b": ["a.b.en.vtt"]}


def test_a_job_that_stops_leaves_no_thread_and_no_file(tmp_path: Path, there: type[Bucket]) -> None:
    there.faults.update({f"video_{number:03d}.mp4": 10**6 for number in range(FEW)})
    others = threading.active_count()
    with pytest.raises(InputError, match="stopped after 1 failures"):
        work_through("s3://kitchen/cooking/", tmp_path / "work", max_failures=0, patience=0.1)
    assert not list((tmp_path / "scratch").iterdir())
    assert threading.active_count() == others
