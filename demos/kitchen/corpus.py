"""The corpus on the disk: a pool of processes films the videos and writes their captions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from demos.kitchen.recipes import NARRATION, plan, stream
from demos.kitchen.style import CALM, Style
from demos.kitchen.truth import SPLITS, Truth, Video, write_truth
from workfolder.errors import InputError

TRUTH_FILE = "truth.json"


def make_corpus(
    out: Path,
    videos: int,
    seed: int,
    workers: int | None = None,
    style: Style = CALM,
    speech: bool = False,
) -> Iterator[Video]:
    """Make a corpus below `out` and yield each video once its files are there; truth.json is last.

    Args:
        style: how it is filmed.
        speech: speak the captions, too.

    Raises:
        ValueError: for fewer than three videos.
        InputError: if `out` has a video of another kitchen.
        OSError: if `out` cannot be written to.
        Exception: whatever stopped a worker; no video is left out.
    """
    truth = plan(videos, seed, style)
    _refuse_another(truth, out)
    for split in SPLITS:
        (out / split).mkdir(parents=True, exist_ok=True)
    (out / TRUTH_FILE).unlink(missing_ok=True)
    yield from _film_all(truth, out, workers or os.cpu_count() or 1, style, speech)
    write_truth(truth, out / TRUTH_FILE)


def _refuse_another(truth: Truth, out: Path) -> None:
    planned = {out / f"{video.video}.mp4" for video in truth.videos}
    for path in (path for split in SPLITS for path in sorted((out / split).glob("*.mp4"))):
        if path not in planned:
            raise InputError(f"{path} is of another kitchen: give an empty --out")


def _film_all(truth: Truth, out: Path, workers: int, style: Style, speech: bool) -> Iterator[Video]:
    """Longest videos first, so that the workers end together."""
    order = sorted(range(len(truth.videos)), key=lambda index: -truth.videos[index].duration)
    # Spawned, not forked: a fork copies the caller's threads' locks, and what it holds in memory.
    with ProcessPoolExecutor(min(workers, len(order)), mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(make_video, truth.videos[index], truth.seed, index, out, style, speech)
            for index in order
        ]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            for job in jobs:
                job.cancel()


def make_video(
    video: Video, seed: int, index: int, out: Path, style: Style = CALM, speech: bool = False
) -> Video:
    """Write one video and its captions; `index` is its place in the plan."""
    import cv2

    from demos.kitchen.captions import write_captions
    from demos.kitchen.narration import narrate
    from demos.kitchen.scene import frames
    from demos.kitchen.video import write_video
    from demos.kitchen.voice import speak

    cv2.setNumThreads(1)  # one process a core is already there
    # Intel's routines round by where an array lies in memory: the same seed, other pixels.
    cv2.ipp.setUseIPP(False)
    path = out / video.video
    narration = narrate(video, stream(seed, index, NARRATION))
    write_captions(narration, path.with_name(path.name + ".en.vtt"))
    sound = speak(narration, video.duration) if speech else None
    pictures = frames(video, seed, index, style)
    write_video(pictures, path.with_name(path.name + ".mp4"), style, sound)
    return video
