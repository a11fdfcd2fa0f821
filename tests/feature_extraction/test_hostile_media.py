"""What is no honest video: each kind has its status, costs only itself, and opens nothing else."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import LONGEST_VIDEO
from feature_extraction.seeing.pyav_video import PyavVideo, _check_budget
from tests.toys.hostile_media import (
    MB,
    MKV,
    SMALL,
    Brightness,
    billion_frames,
    bomb,
    century,
    count_clips,
    cut,
    flipped,
    huge_claim,
    huge_track,
    jump,
    long_last,
    odd_tag,
    patch,
    peak_memory,
    playlist,
    remux,
    sound_only,
    tagged_century,
    write_noise,
)
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.guard import Guards, Limits
from workfolder.ledger import Ledger
from workfolder.report import Report
from workfolder.runner import JobOptions, run_job
from workfolder.sources import find_videos
from workfolder.stage import Stage

# what -> how it is made, what becomes of it, a piece of the reason, rows
TABLE: dict[str, tuple[Callable[[Path], object], str, str, int]] = {
    "zero.mp4": (lambda path: path.write_bytes(b""), "failed", "is empty", 0),
    "nul.mp4": (
        lambda path: path.write_bytes(bytes(50_000)),
        "failed",
        "cannot be read as a video",
        0,
    ),
    "random.mp4": (
        lambda path: path.write_bytes(random.Random(0).randbytes(50_000)),
        "failed",
        "cannot be read as a video",
        0,
    ),
    "text.avi": (
        lambda path: path.write_text("this is no video\n" * 100),
        "failed",
        "cannot be read as a video",
        0,
    ),
    "cut.mkv": (
        lambda path: cut(write_noise(path, 120, **MKV), 0.5),
        "partial",
        "ends after 2.* of 6.0 s",
        2,
    ),
    "cut_faststart.mp4": (
        lambda path: cut(write_noise(path, 120, movflags="faststart"), 0.6),
        "partial",
        "of 6.0 s are kept",
        2,
    ),
    "cut_end.mp4": (
        lambda path: cut(write_noise(path, 120), 0.9),
        "failed",
        "cannot be read as a video",
        0,
    ),
    "flipped.mp4": (flipped, "any", "", -1),
    "sound.mp4": (sound_only, "failed", "has no picture", 0),
    "one_frame.mp4": (lambda path: write_noise(path, 1), "done", "", 1),
    "instant.mp4": (
        lambda path: write_noise(path, 3, rate=1_000_000),
        "failed",
        "1,000,000 frames a second, more than 1,000",
        0,
    ),
    "fast.mp4": (lambda path: write_noise(path, 2000, (16, 16), rate=1000), "done", "", 1),
    "huge_claim.avi": (huge_claim, "failed", "is damaged after 0.0 s", 0),
    "huge_track.mp4": (huge_track, "done", "", 1),
    "bomb.avi": (bomb, "partial", "is damaged after 0.0 s", 1),
    "slow_century.mp4": (century, "partial", "ends after 0.1 s", 1),
    "billion.mp4": (billion_frames, "done", "", 1),
    "jump.mkv": (jump, "partial", "jumps from 2.0 s to 72", 1),
    "long_last.mkv": (long_last, "partial", "ends after 3.0 s", 2),
    "century.mkv": (tagged_century, "failed", "more than 24", 0),
    "odd_tag.mkv": (odd_tag, "done", "", 1),
    "unknown.mp4": (
        lambda path: patch(write_noise(path, 20), b"avc1", 0, b"qqqq"),
        "failed",
        "does not know",
        0,
    ),
    "hls.mp4": (playlist, "failed", "only names other files", 0),
    "concat.mp4": (
        lambda path: path.write_text("ffconcat version 1.0\nfile x.mp4\n"),
        "failed",
        "only names other files",
        0,
    ),
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Stage, Report]:
    """All of them in one folder with a good neighbour, gone through by one job."""
    folder = tmp_path_factory.mktemp("zoo")
    for name, (make, *_) in TABLE.items():
        make(folder / name)
    (folder / "_.mp4").unlink()
    write_video(folder / "neighbour.mp4", grey_ramp(60))
    write_video(folder / "zz_last.mp4", grey_ramp(60))
    stage = Stage(folder.parent / "zoo_stage")
    report = run_job(stage, find_videos([folder]), Brightness(), JobOptions(workers=2))
    return folder, stage, report


@pytest.mark.parametrize("name", TABLE)
def test_each_kind_of_bad_file_has_its_status(zoo: tuple[Path, Stage, Report], name: str) -> None:
    _, stage, _ = zoo
    account = Ledger(stage).read()
    video, (_, status, reason, rows) = Path(name).stem, TABLE[name]
    found = (
        "failed" if video in account.failed else "partial" if video in account.partial else "done"
    )
    told = account.failed.get(video) or account.partial.get(video) or ""
    print(name, found, told)
    assert status in (found, "any"), told
    if status != "any":
        assert re.search(reason, told), told
    assert not told or (
        name in told and ": unexpected " not in told and "ended the process" not in told
    )
    if rows > 0:
        assert read_table(stage.path(video)).num_rows == rows
    if rows == 0:
        assert not stage.path(video).exists()


@pytest.mark.parametrize(
    ("width", "rate", "reason"),
    [(20_000, None, "more than 8K"), (64, 1001, "1,001 frames a second")],
)
def test_what_a_header_claims_is_refused_before_anything_is_decoded(
    width: int, rate: int | None, reason: str
) -> None:
    stream: Any = SimpleNamespace(
        codec_context=SimpleNamespace(width=width, height=width), average_rate=rate
    )
    with pytest.raises(InputError, match=rf"a\.mp4 claims .*{reason}"):
        _check_budget(stream, 1.0, Path("a.mp4"))


def test_good_neighbours_are_unharmed(zoo: tuple[Path, Stage, Report]) -> None:
    folder, stage, report = zoo
    expected = [clip.frames.mean() for clip in stream_clips(folder / "neighbour.mp4", SMALL)]
    for video in ("neighbour", "zz_last"):
        assert read_table(stage.path(video))["mean"].to_pylist() == pytest.approx(expected)
    assert report.now + len(report.failures) == len(TABLE) + 2
    account = Ledger(stage).read()
    assert len(account.done) + len(account.failed) == len(TABLE) + 2 and not account.waiting


@pytest.mark.parametrize(
    "name",
    [
        "huge_claim.avi",
        "huge_track.mp4",
        "bomb.avi",
        "slow_century.mp4",
        "century.mkv",
        "billion.mp4",
        "long_last.mkv",
        "jump.mkv",
        "fast.mp4",
    ],
)
def test_a_bomb_takes_little_memory(zoo: tuple[Path, Stage, Report], name: str) -> None:
    guards = Guards(Limits(seconds=20))
    guards.call(count_clips, zoo[0] / "neighbour.mp4")
    before = guards.call(peak_memory, zoo[0])
    guards.call(count_clips, zoo[0] / name)
    grown = guards.call(peak_memory, zoo[0]) - before
    print(name, "peak", before // MB, "MB, then", grown // MB, "MB more")
    assert grown < 100 * MB
    guards.close()


def test_links_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    write_video(tmp_path / "outside.mp4", grey_ramp(30))
    write_video(folder / "real.mp4", grey_ramp(30))
    for name, target in (
        ("out", "../outside.mp4"),
        ("inside", "real.mp4"),
        ("nothing", "absent.mp4"),
        ("loop", "loop.mp4"),
    ):
        (folder / f"{name}.mp4").symlink_to(target)
    report = run_job(Stage(tmp_path / "stage"), find_videos([folder]), Brightness())
    assert report.now == 2 and report.failures.keys() == {"out", "nothing", "loop"}
    assert "leads out" in report.failures["out"] and "does not exist" in report.failures["nothing"]


def test_every_name_is_read_and_written_inside_the_folder(tmp_path: Path) -> None:
    real = write_video(tmp_path / "real.mp4", grey_ramp(30))
    names = [
        "..a.mp4",
        "...mp4",
        "-i.mp4",
        "a\nb.mp4",
        "süß \u202e.mp4",
        "a" * 251 + ".mp4",
        "~.mp4",
    ]
    names += [
        "%2e%2e%2f.mp4",
        "b" * 200 + "/" + "c" * 200 + ".mp4",
        "concat:a|b.mp4",
        "%03d.mp4",
        "*.mp4",
        "a?b#c.mp4",
        "CON.mp4",
        "a'\"$(x).mp4",
    ]
    for name in names:
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real, tmp_path / "videos" / name)
    sources = find_videos([tmp_path / "videos"])
    before = {path for path in tmp_path.rglob("*") if "stage" not in path.parts}
    report = run_job(Stage(tmp_path / "stage"), sources, Brightness(), JobOptions(workers=2))
    assert (report.now, report.failures, report.partial) == (len(names), {}, {})
    assert len(list((tmp_path / "stage").glob("*.parquet"))) == len(names)
    assert {path for path in tmp_path.rglob("*") if "stage" not in path.parts} == before


def test_a_title_in_another_alphabet_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "latin.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "caf\u00e9 au lait"
        stream = container.add_stream("mpeg4", rate=20)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey_ramp(1)[0], format="rgb24")))
        container.mux(stream.encode())
    patch(path, "caf\u00e9 ".encode(), 3, b"\xe9 ")
    assert len(list(stream_clips(path, SMALL))) == 1


def test_frames_minutes_apart_do_not_add_up_to_more_than_a_day(tmp_path: Path) -> None:
    path = remux(
        write_noise(tmp_path / "_.mp4", 200),
        tmp_path / "endless.mkv",
        lambda n: n * 599_000,
        live="1",
    )
    with closing(PyavVideo(path)) as video:
        times = [frame.time for frame in video.frames()]
        assert video.declared_end is None and video.damage == "goes on after 24 hours"
    assert LONGEST_VIDEO - 600 < times[-1] <= LONGEST_VIDEO
