"""What other stages and people ask of a media file: how long it is, and how it looks at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np

from feature_extraction.seeing.pyav_video import PyavVideo
from feature_extraction.seeing.scaling import Scaler
from workfolder.errors import InputError


def declared_seconds(path: Path) -> float | None:
    """Return how long a video is by its header, in seconds, if that says so.

    Raises:
        InputError: if the file is not a video.
    """
    with closing(PyavVideo(path)) as video:
        return video.declared_end


def even_frames(
    path: Path, height: int, rate: float, start: float, end: float
) -> Generator[np.ndarray, None, None]:
    """Yield the frames shown at even times from a start to an end, for people to look at.

    Args:
        path: a video.
        height: pixels of the pictures.
        rate: pictures a second.
        start: seconds at which they begin.
        end: seconds at which they end.

    Yields:
        uint8 RGB [height, width, 3].

    Raises:
        InputError: if the file is not a video.
    """
    wanted = max(1, round((end - start) * rate))
    done, shown = 0, None
    with closing(PyavVideo(path)) as video:
        may_seek = start > 0 and not video.clock_restarts()
    with closing(PyavVideo(path)) as video:
        if may_seek:
            video.seek(start)
        scaler = Scaler(lambda wide, high: (max(1, wide * height // high), height), video.pixel)
        for frame in video.frames():
            while shown is not None and done < wanted and frame.time > start + done / rate:
                yield scaler(shown)
                done += 1
            if done == wanted:
                return
            shown = frame.decoded
        while shown is not None and done < wanted:
            yield scaler(shown)
            done += 1


def frame_at(path: Path, second: float, height: int) -> np.ndarray:
    """Return the frame shown at a time, for people to look at.

    Args:
        path: a video.
        second: from its start.
        height: pixels of the picture; its width follows from its proportions.

    Returns:
        uint8 RGB [height, width, 3].

    Raises:
        InputError: if the file is not a video, or has no frame there.
    """
    with closing(PyavVideo(path)) as video:
        may_seek = not video.clock_restarts()
    with closing(PyavVideo(path)) as video:
        if may_seek:
            video.seek(second)
        shown = None
        for frame in video.frames():
            if shown is not None and frame.time > second:
                break
            shown = frame.decoded
    if shown is None:
        raise InputError(f"{path} has no frame at {second:.1f} s: give a time within the video")
    scaler = Scaler(lambda wide, high: (max(1, wide * height // high), height), video.pixel)
    return scaler(shown)
