"""How fast ``videobert extract`` is, against the plain way. Everything in one run, on one video:

    python -m benchmarks.extraction --json extraction.json          about three minutes on two cores
    python -m benchmarks.extraction --video VIDEO --engine cuda

The plain way is what anybody would write: PyAV's frames to numpy, torchvision's transform, S3D in
torch eager in float32, one clip at a time, with as many threads as torch likes. Building the models
is left out on both sides; ours writes its file. The video is made unless one is given: 640 x 360,
30 frames a second, H.264. ``openvino-int8`` is calibrated on the video itself, before the clock
starts. Where other programs run, compare core seconds: they move less than those of the clock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.video import S3D_Weights

from benchmarks.machine import line, machine, peak_memory, timed
from feature_extraction.features import FeatureExtractor
from feature_extraction.options import INT8, FeatureOptions, best_engine_name
from feature_extraction.pace import CLIP_FRAMES, CLIP_SECONDS, FRAMES_PER_SECOND
from feature_extraction.schema import feature_matrix
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.engines import engine_precision
from workfolder.files import read_table, write_json
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

WEIGHTS = "random:0"  # the speed does not depend on them
WIDTH, HEIGHT, RATE = 640, 360, 30


def make_video(path: Path, seconds: float) -> Path:
    """Write a drifting texture under a moving square, with some noise, as H.264."""
    random = np.random.default_rng(0)
    texture = (
        random.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
        .repeat(8, 0)
        .repeat(8, 1)
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(int(seconds * RATE)):
            picture = np.roll(texture, (number, 2 * number), (0, 1)) // 2 + random.integers(
                0, 16, texture.shape, dtype=np.uint8
            )
            left = 3 * number % (WIDTH - 80)
            picture[100:180, left : left + 80] = 230
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


# the plain way


def plain_clips(path: Path) -> Iterator[torch.Tensor]:
    """Yield clips of 30 frames at 20 a second, uint8 [30, 3, height, width]."""
    with av.open(str(path)) as container:
        frames, last, tick = [], None, 0
        for frame in container.decode(video=0):
            while last is not None and tick / FRAMES_PER_SECOND < frame.time - 1e-6:
                frames.append(last)
                tick += 1
                if len(frames) == CLIP_FRAMES:
                    yield torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
                    frames = []
            last = frame.to_ndarray(format="rgb24")


def plain_features(path: Path, network: torch.nn.Module) -> np.ndarray:
    """Features of every clip, float32 [clips, 1024]."""
    transform = S3D_Weights.KINETICS400_V1.transforms()
    features = []
    with torch.inference_mode():
        for clip in plain_clips(path):
            features.append(network(transform(clip)[None])[0].numpy())
    return np.stack(features)


def timed_plain(path: Path, network: torch.nn.Module) -> tuple[np.ndarray, float, float]:
    """Features of every clip, and seconds a clip: of the clock, and of the cores."""
    begin, computed = time.perf_counter(), time.process_time()
    features = plain_features(path, network)
    taken = time.perf_counter() - begin, time.process_time() - computed
    return features, taken[0] / len(features), taken[1] / len(features)


# ours, each in a process of its own


def warm_extractor(path: Path, short: Path, engine: str, lanes: int) -> FeatureExtractor:
    """An extractor that has built its engine and started its decoders."""
    extractor = FeatureExtractor(FeatureOptions(WEIGHTS, engine), lanes=lanes)
    if engine == INT8:
        extractor.calibrate(short.parent / "int8", [Source("calibration", path)])
    extractor(Source("warm", short))
    return extractor


def extract_once(
    paths: list[Path], short: Path, engine: str, folder: Path, lanes: int
) -> dict[str, float]:
    """Extract the videos; return seconds by part, clips, and memory with the decoders'."""
    extractor = warm_extractor(paths[0], short, engine, lanes)
    stage = Stage(folder)
    stage.claim({})
    memory: list[float] = []
    before = core_seconds()
    report = run_job(
        stage,
        [Source(f"video{number}", path) for number, path in enumerate(paths)],
        extractor,
        JobOptions(workers=lanes),
        progress=lambda *_: memory.append(_memory_with_children()),
    )
    used = core_seconds() - before
    return {**report.seconds, "clips": report.rows, "peak_gb": max(memory), "core_seconds": used}


def model_alone(path: Path, short: Path, engine: str) -> float:
    """Seconds that the engine takes for the clips of a video which are all there."""
    extractor = warm_extractor(path, short, engine, 1)
    run = extractor._engine()
    clips = [clip.frames for clip in stream_clips(path)]
    batches = [
        np.stack(clips[start : start + run.batch]) for start in range(0, len(clips), run.batch)
    ]
    return timed(lambda: [run(batch) for batch in batches], 2)[0]


def decode_alone(path: Path) -> float:
    """Seconds that decoding and resizing take in one process, with nothing else to do."""
    return timed(lambda: sum(1 for _ in stream_clips(path)), 2)[0]


def clip_flops(network: torch.nn.Module) -> int:
    """Floating point operations of one clip, counted by torch."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, CLIP_FRAMES, 224, 224))
    return counter.get_total_flops()


def matrix_rate(engine: str) -> float:
    """Return the operations a second of a large matrix product, in the engine's precision.

    Of INT8 it is the precision of the layers that are not in whole numbers.
    """
    device, side = ("cuda", 8192) if engine == "cuda" else ("cpu", 2048)
    kept = engine_precision("openvino" if engine == INT8 else engine)
    square = torch.ones(side, side, dtype=getattr(torch, kept), device=device)

    def product() -> float:
        return float((square @ square)[0, 0])  # it waits for the card

    return 2 * side**3 / timed(product, 5)[0]


def core_seconds() -> float:
    """Return what this process and its decoders have computed so far, as the system counts it."""
    own = psutil.Process()
    return sum(sum(each.cpu_times()[:4]) for each in (own, *own.children(recursive=True)))


def _memory_with_children() -> float:
    """Peak memory of this process, and what its decoders hold, in GB."""
    return (
        peak_memory()
        + sum(child.memory_info().rss for child in psutil.Process().children(recursive=True)) / 1e9
    )


def apart(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a new process, so that nothing of what ran before counts."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply(work)
        pool.close()
        pool.join()  # it ends by itself: a worker that is killed leaves semaphores behind
    return result


# the run


def measure(path: Path, engine: str, folder: Path) -> dict[str, Any]:
    """Every figure."""
    short = make_video(folder / "short.mp4", 2 * CLIP_SECONDS)
    one = apart(partial(extract_once, [path], short, engine, folder / "one", 1))
    lanes = psutil.cpu_count()
    many = apart(partial(extract_once, [path] * 2 * lanes, short, engine, folder / "many", lanes))
    decode, model = (
        apart(partial(decode_alone, path)),
        apart(partial(model_alone, path, short, engine)),
    )
    network = FeatureExtractor(FeatureOptions(WEIGHTS, "torch")).backbone.module.network
    plain_features(short, network)
    plain, plain_seconds, plain_core = timed_plain(path, network)
    found = feature_matrix(read_table(Stage(folder / "one").path("video0")))[: len(plain)].astype(
        np.float32
    )
    cosine = (
        (found * plain).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(plain, axis=1)
    )
    plain_rate, rate, rate_of_many = (
        1 / plain_seconds,
        *(run["clips"] / run["all"] for run in (one, many)),
    )
    core = many["core_seconds"] / many["clips"]
    flops = clip_flops(network)
    together = max(decode, model) if engine == "cuda" else decode + model
    return {
        "plain_clips_per_second": plain_rate,
        "clips_per_second": rate,
        "clips_per_second_many_videos": rate_of_many,
        "video_hours_per_hour": rate_of_many * CLIP_SECONDS,
        "ratio_end_to_end": rate / plain_rate,
        "ratio_many_videos": rate_of_many / plain_rate,
        "plain_core_seconds_a_clip": plain_core,
        "core_seconds_a_clip_many_videos": core,
        "ratio_core_seconds": plain_core / core,
        "least_cosine_to_plain": float(cosine.min()),
        "read_seconds": one["read"],
        "model_seconds": one["model"],
        "write_seconds": one["write"],
        "wall_seconds": one["all"],
        "decode_alone_seconds": decode,
        "model_alone_seconds": model,
        "overhead": one["all"] / together,
        "peak_rss_gb": one["peak_gb"],
        "gflop_per_clip": flops / 1e9,
        "share_of_matrix_rate": rate_of_many * flops / matrix_rate(engine),
        "engine": engine,
        "precision": "int8" if engine == INT8 else engine_precision(engine),
    }


def targets(engine: str) -> dict[str, tuple[str, float]]:
    """Return the bound of each figure; without AMX or a GPU the ratio asked for is smaller."""
    amx = "amx_bf16" in Path("/proc/cpuinfo").read_text()
    return {
        "ratio_end_to_end": (">=", 10.0 if amx or engine == "cuda" else 3.5),
        "least_cosine_to_plain": (">=", 0.99),
        "overhead": ("<=", 1.2 if engine == "cuda" else 1.15),
        "peak_rss_gb": ("<=", 2.0),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--video", type=Path, help="a video of your own")
    parser.add_argument(
        "--seconds", type=float, default=60, help="length of the video that is made; default 60"
    )
    parser.add_argument(
        "--engine",
        default=best_engine_name(),
        help="one of videobert extract; default the best there is",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = given.video or make_video(folder / "video.mp4", given.seconds)
        figures = measure(video, given.engine, folder)
    for name, value in figures.items():
        print(line(name, value, targets(given.engine)))
    if given.json:
        write_json({**figures, "machine": machine("torch", "torchvision", "av")}, given.json)


if __name__ == "__main__":
    main()
