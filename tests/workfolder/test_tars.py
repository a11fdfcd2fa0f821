"""Videos come out of WebDataset's tar files, each a source of its own."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.toys.bucket import bucket
from tests.toys.command_line import Run
from tests.toys.far_kitchen import made, work_through
from tests.toys.videos import coloured_recipe
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.sources import find_videos
from workfolder.stage import Stage
from workfolder.tars import LONGEST_HEADER


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def shard(path: Path, videos: int = 4, first: int = 0) -> Path:
    members = {}
    for number in range(first, first + videos):
        members[f"{number:04d}.mp4"] = f"video {number}".encode() * 100
        members[f"{number:04d}.en.vtt"] = f"said {number}".encode()
        members[f"{number:04d}.json"] = b'{"notes": 1}'
    return write_tar(path, members)


def test_members_are_videos_with_ids_of_shard_and_key(tmp_path: Path) -> None:
    shard(tmp_path / "in" / "a.tar")
    shard(tmp_path / "in" / "more" / "b.tar", first=2)
    sources = find_videos([tmp_path / "in"])
    assert [source.video_id for source in sources] == [
        *(f"a%2F{n:04d}" for n in range(4)),
        *(f"more%2Fb%2F{n:04d}" for n in range(2, 6)),
    ]
    assert sources[0].label == f"{tmp_path / 'in' / 'a.tar'}/0000.mp4"
    (one, *_) = find_videos([tmp_path / "in" / "more" / "b.tar"])
    assert one.video_id == "b%2F0002"
    listing = tmp_path / "list.txt"
    listing.write_text("in/a.tar\n")
    assert [each.video_id for each in find_videos([listing])] == [f"a%2F{n:04d}" for n in range(4)]


def test_each_video_is_read_with_its_captions_and_is_done_once(tmp_path: Path) -> None:
    tar = shard(tmp_path / "a.tar")
    report = work_through(tar, tmp_path / "work")
    assert report.complete and report.now == 4
    row = read_table(tmp_path / "work" / "a%2F0002.parquet").to_pylist()[0]
    assert row["content"] == b"video 2" * 100
    assert not list((tmp_path / "scratch").iterdir())
    assert work_through(tar, tmp_path / "work").now == 0


def test_a_bucket_gives_the_same_bytes(tmp_path: Path) -> None:
    shard(tmp_path / "bucket" / "cooking" / "a.tar")
    shard(tmp_path / "bucket" / "cooking" / "b.tar", first=4)
    with bucket(tmp_path / "bucket") as there:
        there.faults["a.tar"] = 1
        with pytest.raises(Exception, match=r"a.tar cannot be read \(ConnectionError\)"):
            find_videos(["s3://kitchen/cooking/"])
        listed = find_videos(["s3://kitchen/cooking/"])
        assert listed[0].label == "s3://kitchen/cooking/a.tar/0000.mp4"
        report = work_through("s3://kitchen/cooking/", tmp_path / "remote")
        assert report.complete and report.now == 8
        assert work_through("s3://kitchen/cooking/b.tar", tmp_path / "one").now == 4
    assert work_through(tmp_path / "bucket" / "cooking", tmp_path / "local").complete
    assert made(tmp_path / "remote") == made(tmp_path / "local")
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_torn_tar_is_a_row_and_what_is_whole_is_read(tmp_path: Path, cut: float) -> None:
    tar = shard(tmp_path / "a.tar", 20)
    whole = tar.read_bytes()
    end = 20 * 3 * 1024 + 20 * 512  # headers and contents, before the zeros at the end
    tar.write_bytes(whole[: int(end * cut)])
    report = work_through(tar, tmp_path / "work")
    assert report.failures.keys() == {"a"} and 5 < report.now < 20
    assert f"{tar} is torn" in report.failures["a"]
    assert "a" in Ledger(Stage(tmp_path / "work")).notes()
    tar.write_bytes(whole)
    report = work_through(tar, tmp_path / "work")
    assert report.complete and len(made(tmp_path / "work")) == 20


def test_hostile_tars_stay_in_their_place(tmp_path: Path) -> None:
    canary = tmp_path / "canary.mp4"
    canary.write_bytes(b"secret")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in (("link.mp4", tarfile.SYMTYPE), ("hard.mp4", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(canary)
            tar.addfile(info)
        for name in ("../../up.mp4", "/abs.mp4", "x/..mp4"):
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"good"))
    found = {source.video_id for source in find_videos([tmp_path / "a.tar"])}
    assert found == {"a%2F..%2F..%2Fup", "a%2F%2Fabs"}
    report = work_through(tmp_path / "a.tar", tmp_path / "work" / "deep")
    assert report.now == 2
    assert {
        read_table(path)["content"][0].as_py() for path in (tmp_path / "work").rglob("*.parquet")
    } == {b"good"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "canary.mp4", "work"}


def test_a_header_that_says_it_is_huge_is_not_read(tmp_path: Path) -> None:
    tar = shard(tmp_path / "a.tar")
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2 * LONGEST_HEADER
    whole = tar.read_bytes()[: 3 * 4 * 1024]
    tar.write_bytes(whole + info.tobuf() + bytes(4 * LONGEST_HEADER))
    report = work_through(tar, tmp_path / "work")
    assert report.failures.keys() == {"a"} and report.now


def test_what_is_no_tar_and_what_has_changed_fail_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "none.tar").write_bytes(b"no tar at all" * 100)
    report = work_through(tmp_path / "none.tar", tmp_path / "work")
    assert report.failures.keys() == {"none"}
    write_tar(tmp_path / "text.tar", {"a.txt": b"hello"})
    (source,) = find_videos([tmp_path / "text.tar"])
    assert "holds no video" in str(source.refusal)


def test_extract_and_transcribe_read_a_tar(tmp_path: Path, videobert: Run) -> None:
    coloured_recipe(tmp_path / "soup.mp4", ["red"], seconds=1.6)
    names = ("soup.mp4", "soup.en.vtt")
    write_tar(tmp_path / "a.tar", {name: (tmp_path / name).read_bytes() for name in names})
    work = ("--work", tmp_path / "work", "--scratch", tmp_path / "scratch")
    done = videobert("transcribe", tmp_path / "a.tar", *work)
    assert done.status == 0, done.err
    done = videobert(
        "extract", tmp_path / "a.tar", *work, "--weights", "random:0", "--engine", "torch"
    )
    assert done.status == 0, done.err
    texts = read_table(tmp_path / "work" / "transcripts" / "a%2Fsoup.parquet")["text"].to_pylist()
    assert texts == ["now we paint the red square"]
    assert read_table(tmp_path / "work" / "features" / "a%2Fsoup.parquet").num_rows == 1
