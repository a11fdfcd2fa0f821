"""Machines that share a disk, and know nothing of each other, share the videos."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from videobert.cli.main import app
from workfolder.errors import InputError
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.runner import begin, run_job
from workfolder.shards import Shard, own_share
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = 60
PROCESS = """
import sys
from pathlib import Path
from tests.workfolder.test_shards import run
run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
"""


@dataclass(frozen=True)
class Length(Maker):
    """How long the file is; each call is noted beside the source."""

    def __call__(self, source: Source) -> Made:
        with (source.path.parent / "calls").open("a") as calls:
            calls.write(f"{source.video_id}\n")
        length = len(source.path.read_bytes())
        return Made(pa.table({"video_id": [source.video_id], "length": [length]}))


def run(videos: Path, work: Path, shard: str | None) -> None:
    """What extract and transcribe do, with a maker that takes no time."""
    job, stage = JobOptions(workers=2, shard=shard), Stage(work / "lengths")
    sources = own_share(find_videos([videos]), job)
    begin(stage, sources, Length(), {"length": 1}, job)
    assert run_job(stage, sources, Length(), job).complete


def run_at_once(videos: Path, work: Path, *shards: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(videos), str(work), shard], cwd=ROOT)
        for shard in shards
    ]
    assert [process.wait(timeout=300) for process in processes] == [0] * len(shards)


def made(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (work / "lengths").glob("*.parquet")}


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(VIDEOS):
        (folder / f"video_{number:02d}.mp4").write_bytes(bytes(number))
    return folder


def test_eight_processes_do_every_video_once_and_write_what_one_writes(
    tmp_path: Path, videos: Path
) -> None:
    run(videos, tmp_path / "one", None)
    (videos / "calls").unlink()
    shards = [f"{number}/8" for number in (5, 2, 8, 1, 7, 3, 6, 4)]
    run_at_once(videos, tmp_path / "eight", *shards)
    calls = Counter((videos / "calls").read_text().split())
    assert len(calls) == VIDEOS and set(calls.values()) == {1}
    assert made(tmp_path / "eight") == made(tmp_path / "one")
    account = Ledger(Stage(tmp_path / "eight" / "lengths")).read()
    assert len(account.done) == VIDEOS and not account.waiting and not account.failed
    run_at_once(videos, tmp_path / "eight", "3/8")  # once more: nothing is left to do
    assert len((videos / "calls").read_text().split()) == VIDEOS


def test_a_share_may_run_twice_at_the_same_time(tmp_path: Path, videos: Path) -> None:
    run(videos, tmp_path / "one", None)
    run_at_once(videos, tmp_path / "two", "2/2", "1/2", "2/2", "1/2")
    assert made(tmp_path / "two") == made(tmp_path / "one")


@pytest.mark.parametrize("of", [1, 2, 7, 64])
def test_each_video_is_in_one_share_and_the_shares_are_about_equal(of: int) -> None:
    ids = [f"video_{number}" for number in range(64 * of)]
    shares = [[each for each in ids if Shard(one, of).holds(each)] for one in range(1, of + 1)]
    assert sorted(each for share in shares for each in share) == sorted(ids)
    assert all(32 <= len(share) <= 112 for share in shares)


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "3/", "/4", "-1/4", "1/0", "a/b", "1/4/4", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^--shard .* give one such as 3/64"):
        Shard.parse(text)


def test_the_command_line_shares_the_videos_too(tmp_path: Path, videos: Path) -> None:
    """With --asr none no video is opened."""
    done = []
    for number in (2, 1, 3):
        words = ["transcribe", str(videos), "--work", str(tmp_path), "--asr", "none"]
        words += ["--shard", f"{number}/3"]
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
        done.append(len(list((tmp_path / "transcripts").glob("*.parquet"))))
    assert 0 < done[0] < done[1] < done[2] == VIDEOS
