"""Thousands of broken files, one of hours, thousands of short ones: no crash, flat memory."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.schema import Clip
from feature_extraction.seeing.clips import stream_clips
from tests.toys.hostile_media import MB, SMALL, Brightness, count_clips, cut, memory, write_noise
from workfolder.files import read_table
from workfolder.guard import Guards, Limits
from workfolder.ledger import Ledger
from workfolder.runner import JobOptions, run_job
from workfolder.sources import find_videos
from workfolder.stage import Stage


def mutated(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return a video after one accident: flipped, cut, spliced, patched, a piece twice or gone."""
    data, kind = bytearray(content), rng.randrange(6)
    if kind == 0:
        for _ in range(rng.choice([1, 5, 50, 500])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[rng.randrange(len(data)) :]
    elif kind == 2:
        data = data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]
    elif kind == 3:  # numbers of the header, at either end of the file
        for _ in range(rng.choice([1, 3, 10])):
            place = rng.randrange(min(1500, len(data) - 8))
            place = place if rng.random() < 0.5 else len(data) - 8 - place
            value = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, rng.getrandbits(32)])
            data[place : place + 4] = struct.pack(rng.choice("<>") + "I", value)
    elif kind == 4:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        del data[start:end]
    else:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        data[start:start] = data[start:end]
    return bytes(data)


def seeds(folder: Path, shared: Path) -> list[Path]:
    made = [write_noise(folder / f"seed.{kind}", 25) for kind in ("mp4", "mkv", "ts", "flv")]
    made.append(write_noise(folder / "early.mp4", 25, movflags="faststart"))
    made.append(write_noise(folder / "old.mpg", 25, codec="mpeg1video", rate=25))
    made += [
        write_noise(folder / "jpeg.avi", 10, codec="mjpeg"),
        write_noise(folder / "old.avi", 25, codec="mpeg4"),
    ]
    real = [
        path
        for path in shared.rglob("*")
        if path.suffix in (".mp4", ".mkv", ".mov") and path.stat().st_size < 60_000
    ]
    return made + sorted(real)


@pytest.mark.parametrize("count", [60, pytest.param(2100, marks=pytest.mark.slow)])
def test_mutated_files_are_all_accounted_for(tmp_path: Path, count: int) -> None:
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
    (tmp_path / "seeds").mkdir()
    originals = seeds(tmp_path / "seeds", shared)
    contents = [path.read_bytes() for path in originals]
    rng = random.Random(count)
    folder = tmp_path / "fuzz"
    folder.mkdir()
    for number in range(count):
        chosen = number % len(originals)
        data = mutated(contents[chosen], rng.choice(contents), rng)
        (folder / f"{number:04d}_{originals[chosen].stem}{originals[chosen].suffix}").write_bytes(
            data
        )
    stage = Stage(tmp_path / "stage")
    report = run_job(
        stage,
        find_videos([folder]),
        Brightness(Guards(Limits(seconds=5, memory=512 * MB), returns=[Clip])),
        JobOptions(workers=2),
    )
    account = Ledger(stage).read()
    assert len(account.done) + len(account.failed) == count and not account.waiting
    assert report.now == len(account.done) > count / 5
    for video in account.done:
        assert np.isfinite(read_table(stage.path(video))["mean"].to_numpy()).all()
    odd = [
        reason
        for reason in account.failed.values()
        if ": unexpected " in reason or "ended the process" in reason
    ]
    slow = [
        reason
        for reason in account.failed.values()
        if "could not be read in" in reason or "GB to read" in reason
    ]
    counts = f"{len(account.done)} done, {len(account.partial)} of them partial"
    counts += f", {len(account.failed)} failed, {len(slow)} over their limits"
    print(f"{counts}, in {report.seconds['all']:.0f} s", *odd, *slow, sep="\n")
    assert not odd


def clips_and_memory(path: Path) -> Iterator[tuple[int, int]]:
    for clip in stream_clips(path, SMALL):
        yield clip.index, memory(path)


@pytest.mark.slow
def test_two_hours_take_no_more_memory_than_two_minutes(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "long.mp4", 2 * 3600 * 5, (32, 32), rate=5)
    guards = Guards()
    theirs, ours = [], []
    for _, bytes_there in guards.stream(clips_and_memory, path):
        theirs.append(bytes_there)
        ours.append(memory(path))
    assert len(theirs) == 4800
    print(
        "decoder",
        min(theirs[80:]) // MB,
        max(theirs) // MB,
        "parent",
        min(ours[80:]) // MB,
        max(ours) // MB,
    )
    assert max(theirs) - theirs[80] < 20 * MB and max(ours) - ours[80] < 20 * MB


@pytest.mark.slow
def test_two_thousand_videos_through_one_process_leave_nothing_behind(tmp_path: Path) -> None:
    kinds = ["a.mp4", "b.mkv", "c.avi", "d.ts", "e.mp4"]
    paths = [write_noise(tmp_path / name, 30 + number) for number, name in enumerate(kinds)]
    cut(paths[-1], 0.5)
    guards = Guards()
    sizes = []
    for turn in range(400):
        for path in paths:
            guards.call(count_clips, path)
        if turn % 20 == 19:
            sizes.append(guards.call(memory, path))
    print("MB after each hundred:", [size // MB for size in sizes])
    assert max(sizes) - sizes[1] < 20 * MB
