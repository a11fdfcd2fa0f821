from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.schema import Clip
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import FrameSize
from tests.toys.ray_node import node_with_two_gpus
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.guard import Guards
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

RAY = JobOptions(workers=1, runner="ray")


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
    for name in ("before", "now", "failures", "partial", "rows"):
        assert getattr(reports["local"], name) == getattr(reports["ray"], name), name
    killed, *survivors = (
        pids_of(source) for source in sorted(sources, key=lambda source: source.video_id != "v4")
    )
    assert len(set(killed)) == 2 and all(len(pids) == 1 for pids in survivors)


@dataclass
class WhatIsSeen(Maker):
    """Which GPUs an actor sees, as Ray tells CUDA."""

    gpus: float = 0.0

    def __call__(self, source: Source) -> Made:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        return Made(pa.table({"video_id": [source.video_id], "seen": [seen]}))


@dataclass
class Unready(WhatIsSeen):
    """Its model cannot be loaded, for whatever reason."""

    error: Exception = field(default_factory=lambda: InputError("no network: connect it"))

    def prepare(self) -> None:
        raise self.error


def test_ray_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[ray\]'"):
        run_job(
            Stage(tmp_path),
            [Source("v", tmp_path / "v.mp4")],
            MeanPixel(),
            RAY,
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
            RAY,
        )


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    with node_with_two_gpus(cpus=1):
        yield


@pytest.mark.slow
@pytest.mark.parametrize(("gpus", "seen"), [(0.0, {""}), (0.25, {"0", "1"}), (2.0, {"0,1", "1,0"})])
def test_an_actor_sees_the_gpus_that_its_maker_asks_for(
    node: None, tmp_path: Path, gpus: float, seen: set[str]
) -> None:
    stage = Stage(tmp_path / "stage")
    run_job(stage, [Source("v", tmp_path / "v.mp4")], WhatIsSeen(gpus), RAY)
    assert read_table(stage.path("v"))["seen"][0].as_py() in seen


@pytest.mark.slow
def test_gpus_that_the_cluster_lacks_are_told_at_once(node: None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no node of the Ray cluster has a GPU"):
        run_job(Stage(tmp_path), [Source("v", tmp_path / "v.mp4")], WhatIsSeen(3.0), RAY)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("no network: connect it"), "^no network: connect it$"),
        (OSError("libcublas.so.12"), r"stage cannot begin: unexpected OSError: libcublas\.so\.12$"),
    ],
)
def test_what_no_actor_can_prepare_stops_the_job_once(
    node: None, tmp_path: Path, error: Exception, told: str
) -> None:
    stage = Stage(tmp_path / "stage")
    sources = [Source(name, tmp_path / f"{name}.mp4") for name in "abc"]
    with pytest.raises(InputError, match=told):
        run_job(stage, sources, Unready(error=error), RAY)
    account = Ledger(stage).read()
    assert account.waiting == {"a", "b", "c"} and not account.failed
