"""Frames into an ordinary H.264 .mp4 file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av

from demos.kitchen.sprites import Pixels

# One thread: the corpus is made by one process a core, and the same frames give the same file.
ENCODER = {"preset": "veryfast", "crf": "22", "threads": "1"}


def write_video(frames: Iterable[Pixels], path: Path, fps: int, width: int, height: int) -> None:
    """Encode RGB frames (height, width, 3), both even; the file appears under its name only once it is whole."""
    partial = path.with_name(path.name + ".partial")
    with av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, width=width, height=height, pix_fmt="yuv420p", options=ENCODER)
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    partial.replace(path)
