"""Videos at addresses are fetched ahead, whole, into a folder that stays small."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.toys.bucket import SECRET, Bucket, bucket
from tests.toys.far_kitchen import (
    MOST,
    SIZE,
    Content,
    assert_as_from,
    killed_midway,
    kitchen,
    work_through,
)
from workfolder.errors import InputError
from workfolder.ledger import Ledger
from workfolder.stage import Stage

VIDEOS = 200
FEW = 60


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
    assert_as_from(there.root / "cooking", tmp_path / "remote")
    assert SIZE <= max(maker.seen) <= MOST * 1e9
    assert there.reads["video_029.mp4"] == 3 and there.reads["video_077.mp4"] == 2
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
from tests.toys.far_kitchen import work_through
with bucket(Path(sys.argv[1])) as there:
    there.delay = 0.05
    work_through("s3://kitchen/cooking/", Path(sys.argv[2]))
"""


def test_after_a_kill_the_same_command_goes_on_and_clears_the_folder(
    tmp_path: Path, there: type[Bucket]
) -> None:
    work = tmp_path / "work"
    before = killed_midway(["-c", KILLED, there.root, work], work, FEW)
    assert work_through("s3://kitchen/cooking/", work).now == FEW - before
    assert_as_from(there.root / "cooking", work)


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
