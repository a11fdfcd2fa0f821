"""A video file through decord: the same frames as through PyAV, for files that are trusted.

decord cannot be told which formats and protocols to open, and some damaged files crash it. It gives
pictures alone. Where it is silent or wrong (hidden frames, exact times, the declared end), PyAV
reads the packets of the file. It decodes ahead, and at damage it throws away as many frames as it
had ahead, so PyAV decodes the rest of a damaged file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from feature_extraction.seeing.frame import Clock, Damage, Frame, FrameSize
from feature_extraction.seeing.pyav_video import PyavVideo
from feature_extraction.seeing.scaling import Orientation, middle, resized, upright_size
from feature_extraction.seeing.tone_mapping import TRANSFERS
from workfolder.errors import InputError


@dataclass(frozen=True)
class DecordFrame:
    """A frame as decord gives it, turned and resized; see frames.Frame."""

    time: float
    seconds: float
    decoded: Any
    size: FrameSize
    orientation: Orientation

    def picture(self) -> np.ndarray:
        """See frames.Frame."""
        return middle(self.orientation.mirror(self.decoded.asnumpy()), self.size)


class DecordVideo:
    """An open video; see pyav_video.PyavVideo."""

    def __init__(self, path: Path, size: FrameSize = FrameSize()) -> None:
        """Open a video whose frames are wanted in ``size``.

        Raises:
            InputError: if PyAV cannot read it, or decord cannot read it as PyAV does.
        """
        import decord  # an extra; video.check_decoder says so where it is missing

        self._decord = decord
        self._path, self._size = path, size
        self.damage: str | None = None
        self.behind = 0
        with closing(PyavVideo(path)) as video:
            self.declared_end = video.declared_end
            self._times = video.times()
        with closing(PyavVideo(path)) as video:
            first = next(video.frames())
            wanted = resized(*upright_size(first.decoded, video.pixel), size)
        # A decoder that drops frames in silence would pair pictures with the times of others.
        if not self._times or max(0.0, self._times[0][0]) != first.time:
            raise self._refusal()
        if first.decoded.color_trc in TRANSFERS or first.decoded.interlaced_frame:
            raise self._refusal()  # its colours would be pale, or its edges combs
        self._orientation = Orientation.of(first.decoded)
        self._reader = self._open(*wanted)

    def close(self) -> None:
        """Let go of the file."""
        self._reader = None

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order they are shown; a damaged file ends at its damage."""
        clock = Clock()
        count = 0
        try:
            for time, seconds in self._times:
                decoded = self._reader.next()
                shown = clock.at(time, seconds)
                yield DecordFrame(shown, seconds, decoded, self._size, self._orientation)
                count += 1
        except Damage as damage:
            self.damage = str(damage)
        except (self._decord.DECORDError, StopIteration):
            yield from self._rest(count)

    def _rest(self, count: int) -> Iterator[Frame]:
        """Yield what PyAV decodes after the first ``count`` frames."""
        with closing(PyavVideo(self._path, self._size)) as video:
            yield from islice(video.frames(), count, None)
            self.damage, self.behind = video.damage, video.behind

    def _open(self, width: int, height: int) -> Any:
        """Return decord's reader, whose frames are resized to this."""
        self._decord.logging.set_level(self._decord.logging.QUIET)
        try:
            return self._decord.VideoReader(
                f"file:{self._path.resolve()}", width=width, height=height, num_threads=1
            )
        except (self._decord.DECORDError, RuntimeError, AssertionError) as error:
            raise self._refusal() from error

    def _refusal(self) -> InputError:
        advice = "use --decoder pyav, or leave it out"
        return InputError(f"{self._path} cannot be read by decord: {advice}")
