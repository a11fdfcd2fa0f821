"""Files are folded into shards, and read as if they were still there."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workfolder import packing
from workfolder.damaged_files import find_damage
from workfolder.errors import InputError
from workfolder.files import exclusive_lock, read_table, write_table
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.packing import pack
from workfolder.packs import fingerprint_of, size_of, written_at
from workfolder.runner import run_job
from workfolder.sources import Source
from workfolder.stage import OPTIONS_FILE, Stage

ROOT = Path(__file__).resolve().parents[2]
SMALL, GROUP = 3_000, 9_000
"""Bytes of a shard, packed, and of a row group, as they are: several videos."""


class Rows(Maker):
    """Rows with lists and a note in their schema, as features and examples have."""

    def __call__(self, source: Source) -> Made:
        return Made(rows_of(source.video_id))


def rows_of(video: str, more: int = 0) -> pa.Table:
    count = 40 + len(video) + more
    noise = np.random.default_rng(hash_of(video, 1)).integers(10**9, size=99).tolist()
    schema = pa.schema(
        [
            ("video_id", pa.string()),
            ("index", pa.int32()),
            ("visual", pa.list_(pa.int32())),
            ("feature", pa.list_(pa.float16(), 4)),
        ],
        metadata={b"source": video.encode()},
    )
    rows = [
        {
            "video_id": video,
            "index": n,
            "visual": noise[n % 90 : n % 90 + n % 7],
            "feature": [n / 4, 0.5, float(hash_of(video, n)), 2.0],
        }
        for n in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def hash_of(video: str, n: int) -> int:
    return int(hashlib.sha256(video.encode()).hexdigest()[:6], 16) * (n + 1) % 1000


def made(stage: Stage, videos: range) -> Stage:
    stage.claim({"rows": 1})
    sources = [Source(f"video.{n:03d}", stage.folder / f"{n}.mp4") for n in videos]
    assert run_job(stage, sources, Rows(), JobOptions(workers=1)).complete
    return stage


def content(stage: Stage) -> dict[str, pa.Table]:
    return {video: read_table(stage.path(video)) for video in stage.done()}


def shards(stage: Stage) -> list[Path]:
    files = (stage.folder / "packed").glob("*.parquet")
    return sorted(path for path in files if not path.name.endswith(".index.parquet"))


def equal(one: dict[str, pa.Table], other: dict[str, pa.Table]) -> bool:
    return one.keys() == other.keys() and all(
        one[video].equals(other[video], check_metadata=True) for video in one
    )


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "GROUP_BYTES", GROUP)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return made(Stage(tmp_path / "rows"), range(30))


def test_what_is_packed_reads_as_before(stage: Stage) -> None:
    videos, before = stage.done(), content(stage)
    asked = [stage.path(video) for video in videos]
    told = [(size_of(path), written_at(path), fingerprint_of(path)) for path in asked]
    report = pack(stage, SMALL)
    assert report.files == 30 and report.shards == len(shards(stage)) > 1 and not stage.loose()
    assert stage.done() == videos and equal(content(stage), before)
    assert all(stage.has(video) for video in videos) and not stage.has("video.999")
    assert [(size_of(path), written_at(path), fingerprint_of(path)) for path in asked] == told
    assert stage.written() == {v: when for v, (_, when, _) in zip(videos, told, strict=True)}
    assert read_table(asked[3], ["visual"]).equals(before[videos[3]].select(["visual"]))
    assert len(Ledger(stage).read().done) == 30 and not find_damage(stage)
    whole = pa.concat_tables(pq.read_table(path) for path in shards(stage))
    assert whole.num_rows == sum(table.num_rows for table in before.values())


def test_nothing_is_done_again_and_packing_twice_changes_nothing(stage: Stage) -> None:
    pack(stage, SMALL)
    before = {path: path.read_bytes() for path in shards(stage)}
    sources = [Source(video, stage.folder / "x.mp4") for video in stage.done()]
    report = run_job(stage, sources, Rows())
    assert (report.now, report.before) == (0, 30)
    again = pack(stage, SMALL)
    assert again.shards <= 1 or str(again) == "rows: nothing to pack"
    pack(stage, SMALL)
    assert len(shards(stage)) <= len(before)
    assert str(pack(stage, SMALL)) == "rows: nothing to pack"


def test_more_videos_go_into_few_shards(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "rows")
    for first in range(0, 60, 6):
        made(stage, range(first, first + 6))
        pack(stage)
        assert len(shards(stage)) == 1
    assert equal(content(stage), content(made(Stage(tmp_path / "loose"), range(60))))


def test_a_shard_has_no_more_videos_than_memory_is_meant_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_VIDEOS", 10)
    monkeypatch.setattr(packing, "GROUP_BYTES", 1)
    before = content(stage)
    assert pack(stage).shards == 3 and equal(content(stage), before)
    assert str(pack(stage)) == "rows: nothing to pack"


def test_a_file_that_is_made_anew_counts_and_what_is_removed_is_gone(stage: Stage) -> None:
    pack(stage, SMALL)
    write_table(rows_of("video.003", more=5), stage.path("video.003"))
    assert read_table(stage.path("video.003")).num_rows == 40 + 9 + 5
    pack(stage, SMALL)
    assert not stage.loose() and read_table(stage.path("video.003")).num_rows == 40 + 9 + 5
    stage.remove(["video.004", "video.005"])
    assert len(stage.done()) == 28 and not stage.has("video.004")
    with pytest.raises(InputError, match="is not there"):
        read_table(stage.path("video.004"))
    made(stage, range(30))
    assert stage.loose() == ["video.004", "video.005"]
    pack(stage, SMALL)
    assert len(stage.done()) == 30 and not find_damage(stage)


def test_rot_is_found_and_a_shard_that_is_deleted_is_made_again(stage: Stage) -> None:
    before = content(stage)
    loose = stage.path("video.007")
    loose.write_bytes(loose.read_bytes()[:-30] + bytes(30))
    report = pack(stage, SMALL)
    assert report.left.keys() == {"video.007"} and stage.loose() == ["video.007"]
    loose.unlink()
    shard = shards(stage)[0]
    whole = bytearray(shard.read_bytes())
    whole[len(whole) // 3] ^= 1
    shard.write_bytes(whole)
    (reason,) = find_damage(stage).values()
    assert str(shard) in reason and "run its stage again" in reason
    shard.unlink()
    missing = 30 - len(stage.done())
    assert missing > 1
    sources = [Source(video, stage.folder / "x.mp4") for video in before]
    assert run_job(stage, sources, Rows()).now == missing
    assert equal(content(stage), before) and not find_damage(stage)
    pack(stage, SMALL)
    assert equal(content(stage), before) and not find_damage(stage)


KILLED = """
import os, signal, sys
from pathlib import Path
from workfolder import packing
from workfolder.stage import Stage
left = int(sys.argv[2])
def counted(call):
    def may_kill(*given, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **named)
    return may_kill
os.replace = counted(os.replace)
os.fsync = counted(os.fsync)
Path.unlink = counted(Path.unlink)
packing.GROUP_BYTES = 1
packing.pack(Stage(Path(sys.argv[1])), 1000)
"""


def test_a_kill_at_any_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    stage = made(Stage(tmp_path / "rows"), range(4))
    before, kills = content(stage), 0
    while True:
        command = [sys.executable, "-c", KILLED, str(stage.folder), str(1 + 3 * kills)]
        status = subprocess.run(command, cwd=ROOT).returncode
        assert status in (0, -signal.SIGKILL)
        assert equal(content(stage), before) and not find_damage(stage)
        if status == 0:
            break
        kills += 1
        if kills % 3 == 0:  # more videos come between
            made(stage, range(4 + kills // 3))
            before = content(stage)
    assert kills >= 4
    pack(stage)
    assert not stage.loose() and equal(content(stage), before)
    there = {path.name for path in (stage.folder / "packed").iterdir()}
    assert len([name for name in there if name.endswith(".index.parquet")]) * 2 == len(there)


def test_a_second_run_is_refused_in_a_line(stage: Stage) -> None:
    with (
        exclusive_lock(stage.folder / OPTIONS_FILE, "no"),
        pytest.raises(InputError, match=r"another run packs .*: wait for it"),
    ):
        pack(stage)
    assert len(stage.loose()) == 30


def test_videos_are_made_and_read_while_others_are_packed(
    tmp_path: Path,
) -> None:
    stage = made(Stage(tmp_path / "rows"), range(20))
    ended, wrong = threading.Event(), []

    def read() -> None:
        while not ended.is_set():
            for video in stage.done():
                if read_table(stage.path(video)) != rows_of(video).replace_schema_metadata(None):
                    wrong.append(video)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for first in range(20, 50, 10):
            packer = threading.Thread(target=pack, args=(stage, SMALL))
            packer.start()
            made(stage, range(first, first + 10))
            packer.join()
            time.sleep(0.05)
    finally:
        ended.set()
        reader.join()
    pack(stage, SMALL)
    assert not wrong and not stage.loose() and len(stage.done()) == 50
