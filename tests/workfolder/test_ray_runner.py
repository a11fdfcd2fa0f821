from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.schema import Clip
from feature_extraction.seeing.frames import FrameSize
from feature_extraction.seeing.video import stream_clips
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.guard import Guards
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage


@dataclass
class MeanPixel(Maker):
    """The brightness of each clip; the first actor that comes to the video ``deadly`` is killed."""

    deadly: str | None = None

    @cached_property
    def guards(self) -> Guards:
        return Guards(returns=[Clip])

    def __call__(self, source: Source) -> Made:
        with (source.path.parent / f"{source.video_id}.pids").open("a") as pids:
            pids.write(f"{os.getpid()}\n")
        if source.video_id == self.deadly and len(pids_of(source)) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        reading = self.guards.stream(stream_clips, source.path, FrameSize(32, 32))
        rows = [(source.video_id, clip.end, float(clip.frames.mean())) for clip in reading]
        names = ["video_id", "end", "mean"]
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        return Made(pa.Table.from_arrays(columns, names=names), reading.result[0])


def pids_of(source: Source) -> list[str]:
    """The processes that have worked on a video."""
    return (source.path.parent / f"{source.video_id}.pids").read_text().split()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of two nodes on this machine."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    nodes.add_node(**node)
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    yield nodes.address
    nodes.shutdown()


def make_videos(folder: Path) -> list[Source]:
    """Ten that are whole, one that is no video and one that was cut."""
    rng = np.random.default_rng(0)
    for number in range(10):
        write_video(
            folder / f"v{number}.mp4",
            grey_ramp(30 + 3 * number, 32) + rng.integers(20, dtype=np.uint8),
        )
    (folder / "broken.mp4").write_bytes(b"this is no video")
    whole = write_video(
        folder / "cut.mkv", np.random.default_rng(1).integers(0, 255, (120, 64, 64, 3), np.uint8)
    ).read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    return find_videos([folder])


@pytest.mark.slow
def test_two_nodes_write_what_one_machine_does_although_a_worker_is_killed(
    cluster: str, tmp_path: Path
) -> None:
    sources = make_videos(tmp_path / "videos")
    stages = {name: Stage(tmp_path / name / "means") for name in ("local", "ray")}
    reports = {"local": run_job(stages["local"], sources, MeanPixel())}
    for source in sources:
        (source.path.parent / f"{source.video_id}.pids").unlink()
    reports["ray"] = run_job(
        stages["ray"], sources, MeanPixel("v4"), JobOptions(workers=2, runner="ray")
    )

    files = [
        {path.name: path.read_bytes() for path in stage.folder.glob("*.parquet")}
        for stage in stages.values()
    ]
    assert len(files[0]) == 11 and files[0] == files[1]
    accounts = [Ledger(stage).read() for stage in stages.values()]
    assert (
        accounts[0] == accounts[1]
        and set(accounts[0].failed) == {"broken"}
        and set(accounts[0].partial) == {"cut"}
    )
    for field in ("before", "now", "failures", "partial", "rows"):
        assert getattr(reports["local"], field) == getattr(reports["ray"], field), field
    killed, *survivors = (
        pids_of(source) for source in sorted(sources, key=lambda source: source.video_id != "v4")
    )
    assert len(set(killed)) == 2 and all(len(pids) == 1 for pids in survivors)


def test_ray_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[ray\]'"):
        run_job(
            Stage(tmp_path),
            [Source("v", tmp_path / "v.mp4")],
            MeanPixel(),
            JobOptions(runner="ray"),
        )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", r"no Ray cluster answers at RAY_ADDRESS 127\.0\.0\.1:1"),
        ("auto", "--runner ray cannot go on"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=reason):
        run_job(
            Stage(tmp_path),
            [Source("v", tmp_path / "v.mp4")],
            MeanPixel(),
            JobOptions(runner="ray"),
        )
