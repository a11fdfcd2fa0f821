"""A video file as a stream of 1.5 s clips, in constant memory.

The one rule from time to frame: a video is sampled at 20 frames per second; the sample at time t is the last frame
whose presentation time is at or before t, and the first frame where none is. Times count from the start of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np

from feature_extraction.errors import InputError
from feature_extraction.schema import Clip

FRAMES_PER_SECOND = 20
CLIP_SECONDS = 1.5
CLIP_FRAMES = int(CLIP_SECONDS * FRAMES_PER_SECOND)

# Containers that hold pictures themselves. Playlists and concat scripts, which name other files, are not among them.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg"


@dataclass(frozen=True)
class FrameSize:
    """How a frame becomes the model's input: squeezed to ``resize`` squared, then its middle ``crop`` squared."""

    resize: int = 256
    crop: int = 224


def open_video(path: Path) -> av.container.InputContainer:
    """Open a file for decoding, allowing real containers from the local disk only; InputError if it is none."""
    if not path.is_file():
        raise InputError(f"{path} does not exist: give a video file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: delete it, or fetch it again")
    # protocol_whitelist stops addresses, format_whitelist stops files that name other files.
    guard = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path.resolve()}", options=guard)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} is no video that can be read ({reason}): convert it to .mp4, or leave it out") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} has no picture, only sound or text: leave it out of extraction")
    return container


def stream_clips(path: Path, size: FrameSize = FrameSize()) -> Iterator[Clip]:
    """Yield the clips of a video in order, without overlap.

    The last clip is filled up with its last frame if at least half of it is there, else dropped; a video shorter than
    one clip gives one. InputError if the file is no video, or cannot be decoded to its end.
    """
    frames: list[np.ndarray] = []
    index = 0
    for frame in _samples(path, size):
        frames.append(frame)
        if len(frames) == CLIP_FRAMES:
            yield _clip(index, frames)
            frames, index = [], index + 1
    if len(frames) * 2 >= CLIP_FRAMES or (frames and index == 0):
        yield _clip(index, frames)


def frame_at(path: Path, second: float, height: int) -> np.ndarray:
    """The frame shown at a time, for people to look at: uint8 RGB, about ``height`` pixels high, proportions kept.

    InputError if the file is no video or has no frame there.
    """
    with closing(open_video(path)) as container:
        container.seek(int(second * av.time_base) + (container.start_time or 0))
        shown = None
        for time, frame in _timed_frames(container, path):
            if shown is not None and time > second:
                break
            shown = frame
    if shown is None:
        raise InputError(f"{path} has no frame at {second:.1f} s: give a time within the video")
    tall = shown.width if shown.rotation % 180 else shown.height
    small = shown.reformat(max(1, shown.width * height // tall), max(1, shown.height * height // tall), "rgb24")
    return _upright(small.to_ndarray(), shown.rotation)


def _clip(index: int, frames: list[np.ndarray]) -> Clip:
    start = index * CLIP_SECONDS
    padded = frames + frames[-1:] * (CLIP_FRAMES - len(frames))
    return Clip(index, start, start + len(frames) / FRAMES_PER_SECOND, np.stack(padded))


def _samples(path: Path, size: FrameSize) -> Iterator[np.ndarray]:
    """The pictures shown at 0, 1/20, 2/20, ... s until the video ends, each uint8 [crop, crop, 3]."""
    tick = 0
    shown, until = None, 0.0
    with closing(open_video(path)) as container:
        for time, frame in _timed_frames(container, path):
            yield from _shown_before(time, tick, shown, size)
            tick = max(tick, _ticks(time)) if shown else 0
            shown, until = frame, time + _seconds_shown(frame)
    if shown is None:
        raise InputError(f"{path} has no frame that can be decoded: convert it to .mp4, or leave it out")
    yield from _shown_before(until, tick, shown, size)


def _shown_before(time: float, tick: int, shown: av.VideoFrame | None, size: FrameSize) -> Iterator[np.ndarray]:
    """The picture ``shown``, once for each sample from ``tick`` on that lies before ``time``."""
    if shown is None or _ticks(time) <= tick:
        return  # most frames of a 30 fps video are shown at one sample or none: do not scale the latter
    picture = _squeeze(shown, size)
    for _ in range(tick, _ticks(time)):
        yield picture


def _ticks(time: float) -> int:
    """How many samples lie before ``time``; a frame that is late by a rounded microsecond is on time."""
    return math.ceil(time * FRAMES_PER_SECOND - 1e-4)


def _timed_frames(container: av.container.InputContainer, path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Frames in the order they are shown, each with its seconds from the start of the file."""
    stream = cast("av.VideoStream", container.streams.best("video"))
    stream.codec_context.thread_count = 1  # the processes around us share the cores by video
    start = (container.start_time or 0) / av.time_base
    latest = 0.0
    try:
        for frame in cast("Iterator[av.VideoFrame]", container.decode(stream)):
            latest = max(latest, latest if frame.time is None else frame.time - start)
            yield latest, frame
            if frame.time is None:
                latest += _seconds_shown(frame)
    except av.FFmpegError as error:
        raise InputError(f"{path} is damaged after {latest:.1f} s ({error.strerror}): fetch it again") from error


def _seconds_shown(frame: av.VideoFrame) -> float:
    """How long a frame stays, by the file's word; 1/20 s where the file is silent."""
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    return 1 / FRAMES_PER_SECOND


def _squeeze(frame: av.VideoFrame, size: FrameSize) -> np.ndarray:
    picture = frame.reformat(size.resize, size.resize, "rgb24", interpolation="BILINEAR").to_ndarray()
    edge = (size.resize - size.crop) // 2
    return _upright(picture[edge : edge + size.crop, edge : edge + size.crop], frame.rotation)


def _upright(picture: np.ndarray, degrees: int) -> np.ndarray:
    """Turn a picture by the counter-clockwise angle its file asks for, which the decoder leaves to us."""
    return np.rot90(picture, degrees // 90)
