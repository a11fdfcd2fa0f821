"""A video file through decord: the same frames as through PyAV, for files that are trusted.

decord cannot be told which formats and protocols to open, and it dies on some damaged files. It gives pictures only; what
it is silent or wrong about (hidden frames, exact times, the declared end) is read from the file's packets with PyAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feature_extraction.seeing.frames import Clock, Damage, FrameSize, middle, resized, upright_size
from feature_extraction.seeing.pyav_video import PyavVideo
from workfolder.errors import InputError


@dataclass(frozen=True)
class DecordFrame:
    """A frame as decord gives it, upright and resized; see frames.Frame."""

    time: float
    seconds: float
    decoded: Any
    size: FrameSize

    def picture(self) -> np.ndarray:
        """See frames.Frame."""
        return middle(self.decoded.asnumpy(), self.size)


class DecordVideo:
    """An open video; see pyav_video.PyavVideo. InputError also where decord cannot read what PyAV can."""

    def __init__(self, path: Path, size: FrameSize = FrameSize()) -> None:
        import decord  # an extra; video.check_decoder tells who has not got it

        self._decord = decord
        self._path, self._size = path, size
        self.damage: str | None = None
        with closing(PyavVideo(path)) as video:
            self.declared_end = video.declared_end
            self._times = video.times()
        with closing(PyavVideo(path)) as video:
            first = next(video.frames())
        if not self._times or max(0.0, self._times[0][0]) != first.time:
            raise self._refusal()  # a decoder drops frames here in silence, so that times and pictures do not pair
        self._reader = self._open(*resized(*upright_size(first.decoded), size))

    def close(self) -> None:
        """Let go of the file."""
        self._reader = None

    def frames(self) -> Iterator[DecordFrame]:
        """Frames in the order they are shown; a damaged file ends at its damage. InputError if there is not one."""
        clock = Clock()
        count = 0
        try:
            for time, seconds in self._times:
                decoded = self._reader.next()
                yield DecordFrame(clock.at(time, seconds), seconds, decoded, self._size)
                count += 1
        except Damage as damage:
            self.damage = str(damage)
        except (self._decord.DECORDError, StopIteration):
            self.damage = f"is damaged after {clock.latest:.1f} s"
        if not count:
            raise self._refusal()

    def _open(self, width: int, height: int) -> Any:
        """decord's reader, whose frames are resized to this."""
        self._decord.logging.set_level(self._decord.logging.QUIET)
        try:
            return self._decord.VideoReader(
                f"file:{self._path.resolve()}", width=width, height=height, num_threads=1
            )
        except (self._decord.DECORDError, RuntimeError, AssertionError) as error:
            raise self._refusal() from error

    def _refusal(self) -> InputError:
        return InputError(
            f"{self._path} cannot be read by decord: use --decoder pyav, or leave it out"
        )
