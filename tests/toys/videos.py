"""Small videos that the tests write.

Frames are uint8 [count, height, width, 3]. Times are ticks of 1/rate s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import ColorRange

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 200, 60),
    "blue": (40, 60, 220),
    "yellow": (230, 220, 40),
}
FAST = {"crf": "1", "preset": "ultrafast"}
"""Nearly without loss, and without B-frames."""
B_FRAMES = {"crf": "1"}


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    rate: int = 20,
    times: Sequence[int] | None = None,
    muxing: dict[str, str] | None = None,
    **stream: object,
) -> Path:
    """Write a file with one video stream.

    Args:
        times: presentation time of each frame; one tick a frame by default.
        muxing: options of the container.
        stream: codec, pix_fmt, options, disposition and colours, see add_video.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=muxing or {}) as container:
        add_video(container, frames, rate, times, **stream)()
    return path


def add_video(
    container: av.container.OutputContainer,
    frames: Iterable[np.ndarray],
    rate: int = 20,
    times: Sequence[int] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] = FAST,
    disposition: Disposition | None = None,
    colours: ColorRange | None = None,
) -> Callable[[], None]:
    """Add a video stream and return what writes it, because a container wants all streams first."""
    frames = iter(frames)
    first = next(frames)
    stream = container.add_stream(codec, rate=rate, options=options)
    stream.height, stream.width, stream.pix_fmt = *first.shape[:2], pix_fmt
    stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
    if colours is not None:
        stream.codec_context.color_range = colours
    if disposition is not None:
        stream.disposition = disposition

    def write() -> None:
        for number, pixels in enumerate(chain([first], frames)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if colours is not None:
                frame = frame.reformat(format=pix_fmt, dst_color_range=colours)
                frame.color_range = colours
            frame.pts, frame.time_base = times[number] if times else number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    return write


def grey_ramp(count: int, size: int = 64) -> np.ndarray:
    """Return frames whose brightness, 4 * number + 10, tells which frame it is."""
    return np.broadcast_to(
        (4 * np.arange(count) + 10)[:, None, None, None], (count, size, size, 3)
    ).astype(np.uint8)


def coloured_recipe(
    path: Path, colours: Sequence[str], seconds: float = 4.5, spoken: bool = True
) -> Path:
    """Write a video with a moving square in each colour in turn, and captions that name it."""
    rng = np.random.default_rng(len(path.stem))
    frames, cues = [], ["WEBVTT", ""]
    for place, colour in enumerate(colours):
        start = place * seconds
        cues += [
            f"00:00:{start + 0.3:06.3f} --> 00:00:{start + seconds - 0.3:06.3f}",
            f"now we paint the {colour} square",
            "",
        ]
        for number in range(int(seconds * 20)):
            frame = np.full((64, 64, 3), 90 + rng.integers(20), dtype=np.uint8)
            left = 4 + number % 24
            frame[12:52, left : left + 32] = COLOURS[colour]
            frames.append(frame)
    write_video(path, frames)
    if spoken:
        path.with_suffix(".en.vtt").write_text("\n".join(cues), encoding="utf-8")
    return path
