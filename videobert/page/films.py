"""Clips as small films that are part of the page: H.264 without sound, whatever the file was.

A browser plays what it knows, and a server that hands out files is one more door. So the frames
that the guard's process decoded are encoded anew and travel inside the page.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Container, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from feature_extraction.media import even_frames
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits

HEIGHT, RATE, SLOW_RATE, LONG = 200, 10, 4, 60.0
"""Pixels; frames a second; frames a second of films longer than LONG seconds."""
QUALITY = {"crf": "30", "preset": "veryfast"}


@dataclass(frozen=True)
class Film:
    """A film, and some of its frames.

    Attributes:
        mp4: its bytes.
        stills: the frames that were asked for, as JPEG.
    """

    mp4: bytes
    stills: list[bytes]

    @property
    def address(self) -> str:
        """The film as an address that needs no other request."""
        return f"data:video/mp4;base64,{b64encode(self.mp4).decode()}"


def film(
    path: Path, start: float, end: float, stills: Iterable[float] = (), limits: Limits = Limits()
) -> Film:
    """Encode a stretch of a video anew.

    Args:
        path: the video; it is decoded in another process.
        start: seconds at which the stretch begins.
        end: seconds at which it ends.
        stills: the times, in seconds, of the frames that are wanted as pictures, in their order.
        limits: what decoding may take.

    Raises:
        InputError: if the file cannot be read as a video.
    """
    rate = RATE if end - start <= LONG else SLOW_RATE
    wanted = [max(0, int((at - start) * rate)) for at in stills]
    with closing(Guards(limits)) as guards:
        frames = guards.stream(even_frames, path, HEIGHT, float(rate), start, end)
        mp4, pictures = _encoded(frames, rate, set(wanted))
    if not mp4:
        raise InputError(f"{path} shows nothing from {start:g} to {end:g} s: give another video")
    last = max(pictures) if pictures else 0
    return Film(mp4, [_jpeg(pictures[min(number, last)]) for number in wanted])


def _encoded(
    frames: Iterable[np.ndarray], rate: int, wanted: Container[int]
) -> tuple[bytes, dict[int, np.ndarray]]:
    """Encode frames; return the file, and the wanted ones by their numbers."""
    sink, pictures, stream = io.BytesIO(), dict[int, np.ndarray](), None
    with av.open(sink, "w", format="mp4") as film:
        for number, frame in enumerate(frames):
            if number in wanted:
                pictures[number] = frame
            if stream is None:
                stream = film.add_stream("libx264", rate=rate, options=QUALITY)
                # H.264 in 4:2:0 wants even sides.
                stream.height, stream.width = (side - side % 2 for side in frame.shape[:2])
                stream.pix_fmt = "yuv420p"
            even = np.ascontiguousarray(frame[: stream.height, : stream.width])
            film.mux(stream.encode(av.VideoFrame.from_ndarray(even, "rgb24")))
        if stream is None:
            return b"", {}
        film.mux(stream.encode())
    return sink.getvalue(), pictures


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
