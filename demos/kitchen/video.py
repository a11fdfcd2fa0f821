"""Frames, and sound if there is some, into an ordinary .mp4 file: H.264 and AAC."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

from demos.kitchen import voice
from demos.kitchen.sprites import Pixels
from demos.kitchen.style import Style

ENCODER = {"crf": "22", "threads": "1", "x264-params": "cpu-independent=1"}
"""One thread: the corpus is made by one process a core.

Without cpu-independent, x264's macroblock tree rounds by where its buffers lie in memory. The same
frames then give other bytes, and other pixels, from run to run.
"""


def write_video(
    frames: Iterable[Pixels],
    path: Path,
    style: Style,
    sound: np.ndarray | None = None,
) -> None:
    """Encode RGB frames (height, width, 3) of a style, and int16 mono samples at voice.RATE.

    The file appears under its name only once it is whole.
    """
    partial = path.with_name(path.name + ".partial")
    with av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264",
            rate=style.fps,
            width=style.width,
            height=style.height,
            pix_fmt="yuv420p",
            options={**ENCODER, "preset": style.preset},
        )
        if sound is not None:
            _write_sound(container, sound)
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    partial.replace(path)


def _write_sound(container: av.container.OutputContainer, sound: np.ndarray) -> None:
    """All of it before the pictures; the container puts the two in order."""
    stream = container.add_stream("aac", rate=voice.RATE, layout="mono")
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = voice.RATE, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
