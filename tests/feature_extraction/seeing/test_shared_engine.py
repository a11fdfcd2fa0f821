"""Clips of several videos go through a device together; a GPU is stood in for."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock

import numpy as np
import pytest
import torch

from feature_extraction import features
from feature_extraction.features import extract
from feature_extraction.options import FeatureOptions
from feature_extraction.schema import SOURCE_KEY
from feature_extraction.seeing import engines
from feature_extraction.seeing.engines import CudaEngine, Engine, check_engine, make_engine
from feature_extraction.seeing.shared_engine import SharedEngine
from tests.feature_extraction.seeing.test_engines import clip, cosine, small_backbone
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.options import JobOptions
from workfolder.sources import find_videos

POISON = 255


class Device:
    """Stands in for a GPU: it takes four clips at a time, and notes what it was given.

    A feature is the first two pixels of its clip: the video, and the number of the clip.
    """

    name, precision, batch = "cuda", "bfloat16", 4

    def __init__(self, busy: Callable[[], object] = lambda: time.sleep(0.002)) -> None:
        self.batches: list[list[int]] = []
        self._busy, self._alone = busy, Lock()

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        assert self._alone.acquire(blocking=False), "two threads called one device"
        try:
            self._busy()
            if (frames[:, 0] == POISON).any():
                raise RuntimeError("out of memory")
            self.batches.append(frames[:, 0].tolist())
            return frames[:, :2].astype(np.float32)
        finally:
            self._alone.release()


def clips_of(video: int, count: int) -> np.ndarray:
    """Clips that say whose they are, [count, 2]."""
    return np.array([(video, number) for number in range(count)], np.uint8)


def look(engine: Engine, clips: np.ndarray) -> np.ndarray:
    """What a lane does: it hands over a few clips, and waits."""
    batches = range(0, len(clips), engine.batch)
    return np.concatenate([engine(clips[start : start + engine.batch]) for start in batches])


def test_clips_of_several_videos_share_a_batch_and_each_gets_its_own_features() -> None:
    device = Device()
    shared = SharedEngine([device], lanes=8)
    assert (shared.name, shared.precision, shared.batch) == ("cuda", "bfloat16", 1)
    videos = [clips_of(video, 20) for video in range(8)]
    with ThreadPoolExecutor(8) as lanes:
        found = list(lanes.map(lambda clips: look(shared, clips), videos))
    for clips, feature in zip(videos, found, strict=True):
        assert feature.dtype == np.float32 and (feature == clips).all()
    assert sum(map(len, device.batches)) == 160 and max(map(len, device.batches)) == 4
    assert max(len(set(batch)) for batch in device.batches) > 1  # videos in one batch


def test_few_lanes_hand_over_so_many_clips_that_the_devices_are_full() -> None:
    device = Device()
    assert SharedEngine([device], lanes=1).batch == 4
    assert SharedEngine([device], lanes=3).batch == 2
    alone = SharedEngine([device, Device()], lanes=1)
    assert alone.batch == 8
    clips = clips_of(7, 11)
    assert (look(alone, clips) == clips).all()


def test_devices_work_at_the_same_time() -> None:
    both = Barrier(2)
    devices = [Device(lambda: both.wait(60)) for _ in range(2)]  # one alone would wait in vain
    shared = SharedEngine(devices, lanes=2)
    with ThreadPoolExecutor(2) as lanes:
        found = list(lanes.map(shared, [clips_of(0, 4), clips_of(1, 4)]))
    assert [feature.tolist() for feature in found] == [
        clips_of(video, 4).tolist() for video in (0, 1)
    ]
    assert all(len(device.batches) == 1 for device in devices)


def test_what_fails_costs_those_in_its_batch_and_nobody_later() -> None:
    shared = SharedEngine([Device()], lanes=1)
    with pytest.raises(RuntimeError, match="out of memory"):
        shared(np.array([[POISON, 0]], np.uint8))
    assert (shared(clips_of(3, 4)) == clips_of(3, 4)).all()


def test_a_job_over_shared_devices_writes_the_bytes_of_a_job_without_and_goes_on_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write_video(tmp_path / "videos" / f"{number}.mp4", grey_ramp(40 + 25 * number))
    videos = find_videos([tmp_path / "videos"])
    options, job = FeatureOptions("random:0:64", "torch"), JobOptions(workers=3)
    extract(videos, tmp_path / "plain", options, job)

    def share(*asked: object) -> SharedEngine:
        lone = make_engine(*asked)
        lone.batch = 4
        return SharedEngine([lone, lone], lanes=3)

    monkeypatch.setattr(features, "make_engine", share)
    extract(videos, tmp_path / "shared", options, job)
    extract(videos[:2], tmp_path / "stopped", options, job)
    extract(videos, tmp_path / "stopped", options, job)
    for video in videos:
        name = f"features/{video.video_id}.parquet"
        expected = (tmp_path / "plain" / name).read_bytes()
        assert (tmp_path / "shared" / name).read_bytes() == expected
        assert (tmp_path / "stopped" / name).read_bytes() == expected
    assert SOURCE_KEY in read_table(tmp_path / "plain" / "features" / "0.parquet").schema.metadata


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two GPUs that are the processor; returns those that were looked through, in order."""
    looked: list[str] = []

    class Noted(CudaEngine):
        def __init__(self, backbone: object, device: str) -> None:
            super().__init__(backbone, "cpu")  # type: ignore[arg-type]
            self.number = device

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            looked.append(self.number)
            return super().__call__(frames)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "compile", lambda module: module)
    monkeypatch.setattr(engines, "CudaEngine", Noted)
    return looked


def test_every_gpu_is_tried_before_the_first_video(two_gpus: list[str]) -> None:
    backbone = small_backbone("random:0")
    engine = make_engine("cuda", backbone, lanes=4)
    assert set(two_gpus) == {"cuda:0", "cuda:1"} and engine.batch == 4  # 2 x 8 clips, 4 lanes
    two_gpus.clear()
    make_engine("cuda", backbone, lanes=4, devices=(1,))
    assert set(two_gpus) == {"cuda:1"}
    two_gpus.clear()
    make_engine("cuda", backbone, lanes=1)  # one video at a time keeps one GPU busy
    assert set(two_gpus) == {"cuda:0"}


def test_a_gpu_that_is_not_there_is_refused(two_gpus: list[str]) -> None:
    with pytest.raises(
        InputError, match=r"^--devices 3: the GPUs that torch sees here are 0 to 1$"
    ):
        check_engine("cuda", (0, 3))


def test_in_bfloat16_a_feature_is_the_same_in_any_company(two_gpus: list[str]) -> None:
    backbone = small_backbone("random:0")
    fast, plain = make_engine("cuda", backbone, lanes=2), make_engine("torch", backbone)
    clips = np.concatenate([clip(seed, 64) for seed in range(3)])
    together = fast(clips)
    for number, frames in enumerate(clips):
        assert cosine(together[number], plain(frames[None])) > 0.999
        assert (fast(frames[None])[0] == together[number]).all()


@pytest.mark.parametrize("devices", ["", "0,0", "1,", "one", "-1", "0, 1", "0,1,00"])
def test_devices_are_numbers_each_once(devices: str) -> None:
    if not devices:
        assert FeatureOptions(engine="torch", devices=devices).gpus == ()
        return
    with pytest.raises(InputError, match=r"^--devices .* will not do: give numbers such as 0,1$"):
        FeatureOptions(engine="cuda", devices=devices)


def test_devices_are_for_what_uses_gpus_and_change_no_feature() -> None:
    with pytest.raises(InputError, match="needs --engine cuda or --decoder nvdec"):
        FeatureOptions(engine="torch", devices="0")
    given = FeatureOptions(engine="cuda", devices="0,1")
    assert given.gpus == (0, 1) and given.provenance() == FeatureOptions(engine="cuda").provenance()


def test_ray_hands_out_gpus_itself(tmp_path: Path) -> None:
    options = FeatureOptions("random:0", "cuda", devices="0,1")
    with pytest.raises(InputError, match="Ray gives each actor a GPU itself"):
        extract([], tmp_path, options, JobOptions(runner="ray"))
