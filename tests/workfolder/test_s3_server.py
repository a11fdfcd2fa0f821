"""Videos come from a real S3 server, moto's, over the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("s3fs", reason="needs s3fs: pip install '.[s3]'")
pytest.importorskip("moto.server", reason="needs moto, flask and flask-cors: pip install '.[dev]'")

import s3fs

from tests.toys.command_line import Run
from tests.toys.far_kitchen import (
    MOST,
    SIZE,
    WORK_THROUGH,
    Content,
    assert_as_from,
    assert_same_features,
    killed_midway,
    kitchen,
    work_through,
)
from tests.toys.s3_server import SECRET, Server, s3_server
from tests.toys.videos import coloured_recipe
from workfolder.files import read_table
from workfolder.sources import find_videos

FEW, MANY = 24, 200


@pytest.fixture
def server() -> Iterator[Server]:
    with s3_server() as running:
        yield running


def upload(root: Path, videos: int) -> Path:
    """Put a kitchen into the bucket, and return the same as a folder."""
    local = kitchen(root, videos) / "cooking"
    system = s3fs.S3FileSystem()
    system.mkdir("kitchen")
    system.put(str(local), "kitchen/", recursive=True)
    return local


def faults_and_changes(tmp_path: Path, server: Server, videos: int) -> None:
    local = upload(tmp_path / "bucket", videos)
    server.delay = 0.005
    server.faults.update({f"video_{number:03d}.mp4": 1 for number in range(0, videos, 7)})
    server.cuts.update({f"video_{number:03d}.mp4": 1 for number in range(1, videos, 11)})
    listed = find_videos(["s3://kitchen/cooking/"])
    assert len(listed) == videos
    replaced, swapped = "group 0/video_003.mp4", "group 2/video_008.mp4"
    for name in (replaced, swapped):
        (local / name).write_bytes(b"another" * (SIZE // 10))
    system = s3fs.S3FileSystem()
    system.put(str(local / replaced), f"kitchen/cooking/{replaced}")  # between list and read
    system.put(str(local / swapped), f"kitchen/cooking/{swapped}.next")  # while it is read
    server.changes["video_008.mp4"] = 1
    maker = Content()
    report = work_through("s3://kitchen/cooking/", tmp_path / "remote", maker, workers=3)
    assert report.complete and report.now == videos and max(maker.seen) <= MOST * 1e9
    assert server.reads["video_008.mp4"] == 2 and server.reads["video_001.mp4"] == 2
    assert not any([+server.faults, +server.cuts, +server.changes])
    assert_as_from(local, tmp_path / "remote")


def test_a_server_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, server: Server
) -> None:
    faults_and_changes(tmp_path, server, FEW)


@pytest.mark.slow
def test_so_it_does_for_200_videos(tmp_path: Path, server: Server) -> None:
    faults_and_changes(tmp_path, server, MANY)


def kill_and_go_on(tmp_path: Path, server: Server, videos: int) -> None:
    local, work = upload(tmp_path / "bucket", videos), tmp_path / "work"
    given, server.delay = "s3://kitchen/cooking/", 0.1
    before = killed_midway(["-c", WORK_THROUGH, given, work, 20], work, videos)
    server.delay = 0.0
    assert work_through(given, work).now == videos - before
    assert_as_from(local, work)


def test_after_a_kill_the_same_command_goes_on(tmp_path: Path, server: Server) -> None:
    kill_and_go_on(tmp_path, server, FEW)


@pytest.mark.slow
def test_so_it_goes_on_with_200_videos(tmp_path: Path, server: Server) -> None:
    kill_and_go_on(tmp_path, server, MANY)


def test_what_is_not_there_fails_at_once_and_no_secret_is_noted(
    tmp_path: Path, server: Server
) -> None:
    upload(tmp_path / "bucket", 1)
    (tmp_path / "list.txt").write_text("s3://kitchen/none.mp4\ns3://nobody/none2.mp4\n")
    report = work_through(tmp_path / "list.txt", tmp_path / "none")
    assert report.failures["none"] == "s3://kitchen/none.mp4 is not there"
    assert report.failures["none2"] == "s3://nobody/none2.mp4 is not there"
    assert SECRET not in "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*.jsonl")
    )


def test_extract_and_transcribe_read_a_real_video_of_a_bucket(
    tmp_path: Path, server: Server, videobert: Run
) -> None:
    local = tmp_path / "videos"
    coloured_recipe(local / "first.mp4", ["red"], seconds=1.6)
    system = s3fs.S3FileSystem()
    system.mkdir("kitchen")
    system.put(str(local), "kitchen/", recursive=True)
    server.faults["first.mp4"] = 1
    server.cuts["first.mp4"] = 1
    for work, videos in ((tmp_path / "near", local), (tmp_path / "far", "s3://kitchen/videos/")):
        more = ["--work", work, "--weights", "random:0", "--engine", "torch"]
        done = videobert("extract", videos, *more, "--scratch", tmp_path / "scratch")
        assert done.status == 0, done.err
        done = videobert("transcribe", videos, "--work", work, "--scratch", tmp_path / "scratch")
        assert done.status == 0, done.err
        assert SECRET not in done.out + done.err
    near, far = tmp_path / "near", tmp_path / "far"
    assert_same_features(near, far, "first", "s3://kitchen/videos/first.mp4")
    heard = [read_table(work / "transcripts" / "first.parquet") for work in (near, far)]
    assert heard[0].equals(heard[1]) and heard[0].num_rows
    assert not list((tmp_path / "scratch").iterdir())
