"""The sound of a file at 16 kHz in one channel, in constant memory.

Times count from the start of the file, as those of pictures do.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.stream import Disposition

from feature_extraction.containers import (
    LONGEST_FRAME,
    LONGEST_VIDEO,
    check_length,
    open_container,
    seconds_before,
    stream_end,
)
from feature_extraction.hearing.languages import short_language
from feature_extraction.pace import CLIP_SECONDS
from feature_extraction.stream_clock import packets_on_one_clock
from workfolder.errors import InputError

SAMPLE_RATE = 16_000
"""Samples per second: what speech recognisers hear."""
BLOCK = 30 * SAMPLE_RATE
"""Samples that are given at a time."""
GUESSED_ENDS = ("aac", "amr", "ac3", "eac3")
"""Formats without a header for the whole file: FFmpeg guesses how long it is."""
LARGEST_SLIP = 0.1
"""Seconds between the end of a frame and the next one that rounding may make. More is a gap."""


class Sound:
    """The sound of an open file; close it.

    Attributes:
        declared_end: seconds from the start of the file at which its header says that the sound
            ends, if it does.
        end: seconds up to which there is sound so far.
        damage: why decoding stopped before the end, once it has.
    """

    def __init__(self, path: Path, language: str | None = None) -> None:
        """Open the stream in that language, else the default one.

        Raises:
            InputError: if the file has no sound.
        """
        self._path = path
        self._container = open_container(path)
        try:
            self._stream = _sound_stream(self._container, path, language)
            guessed = self._container.format.name in GUESSED_ENDS
            self.declared_end = None if guessed else stream_end(self._container, self._stream)
            check_length(self.declared_end, path)
        except InputError:
            self._container.close()
            raise
        self.end = 0.0
        self.damage: str | None = None

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def samples(self) -> Iterator[np.ndarray]:
        """Yield runs of float32 in [-1, 1] that follow one another from second 0.

        Where the file has no sound for a while, or begins with none, there is silence. A damaged
        file ends at its damage.

        Raises:
            InputError: if nothing can be decoded.
            MemoryError: if the process may not have as much memory as it takes.
        """
        resampler = _Resampler()
        try:
            for frame in self._frames():
                begin = self._begin(frame)
                if begin < self.end:  # heard already
                    continue
                if begin - self.end > LONGEST_FRAME or begin > LONGEST_VIDEO:
                    self.damage = f"jumps from {self.end:.1f} s to {begin:.1f} s"
                    break
                if begin > self.end:
                    yield from resampler.silence_until(begin)
                self.end = begin + frame.samples / frame.sample_rate
                yield from resampler(frame)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self.damage = f"is damaged after {self.end:.1f} s of sound ({reason})"
        # A filter that could not take the sound has nothing more to give.
        with suppress(av.FFmpegError, ValueError):
            yield from resampler.flush()
        if not resampler.written:
            reason = self.damage or "has no sound that can be decoded"
            raise InputError(f"{self._path} {reason}: fetch it again, or leave it out")

    def shortfall(self) -> str | None:
        """Say why the sound that was decoded is not whole; None if it is."""
        said = f" of {self.declared_end:.1f} s" if self.declared_end else ""
        if self.damage:
            return f"{self.damage}, {self.end:.1f} s{said} are heard"
        if self.declared_end and self.declared_end - self.end > CLIP_SECONDS:  # as for pictures
            return f"has sound for {self.end:.1f} s{said}"
        return None

    def _frames(self) -> Iterator[av.AudioFrame]:
        for packet in packets_on_one_clock(self._container, self._stream):
            yield from cast("list[av.AudioFrame]", packet.decode())

    def _begin(self, frame: av.AudioFrame) -> float:
        """Return the second at which a frame is heard; without a gap, the end of the one before."""
        if frame.time is None:
            return self.end
        time = frame.time - seconds_before(self._container)
        return self.end if self.end and abs(time - self.end) <= LARGEST_SLIP else time


def declared_seconds(path: Path) -> float | None:
    """Return how long a file of pictures or sound lasts by its header; None if it does not say.

    Raises:
        InputError: if the file cannot be opened.
    """
    with closing(open_container(path)) as container:
        guessed = container.format.name in GUESSED_ENDS
        return None if guessed or not container.duration else container.duration / av.time_base


def stream_sound(
    path: Path, language: str | None = None
) -> Generator[np.ndarray, None, str | None]:
    """Yield the sound of a file in blocks of float32 [BLOCK], the last one shorter.

    Sample n is heard at n / SAMPLE_RATE seconds.

    Args:
        path: a file of pictures and sound, or of sound alone.
        language: of the stream to take (en, eng, ...); else the default one is taken.

    Returns:
        Why the sound is partial; None where it is whole.

    Raises:
        InputError: if the file has no sound.
    """
    with closing(Sound(path, language)) as sound:
        yield from _blocks(sound.samples())
        return sound.shortfall()


def _sound_stream(
    container: av.container.InputContainer, path: Path, language: str | None
) -> av.AudioStream:
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not streams:
        lacks = "no sound that can be decoded" if container.streams.audio else "no sound"
        advice = "give captions beside it, or say --asr none to learn from pictures alone"
        raise InputError(f"{path} has {lacks}: {advice}")
    wanted = short_language(language)

    def rank(stream: av.AudioStream) -> tuple[bool, bool]:
        spoken = short_language(stream.metadata.get("language"))
        default = bool(stream.disposition & Disposition.default)
        return wanted is not None and spoken == wanted, default

    stream = max(streams, key=rank)
    stream.codec_context.thread_count = 1  # the processes around us share the cores by video
    return stream


class _Resampler:
    """Converts frames of any format, rate and layout to float32 at SAMPLE_RATE in one channel.

    Attributes:
        written: samples so far.
    """

    def __init__(self) -> None:
        self.written = 0
        self._shape: tuple[object, ...] | None = None
        self._resampler = self._new()

    def __call__(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if self._shape not in (None, shape):
            yield from self.flush()
        self._shape = shape
        frame.pts = None  # ``samples`` decides its place
        yield from self._written(self._resampler.resample(frame))

    def flush(self) -> Iterator[np.ndarray]:
        """Yield what the filter still holds."""
        yield from self._written(self._resampler.resample(None))
        self._shape, self._resampler = None, self._new()

    def silence_until(self, second: float) -> Iterator[np.ndarray]:
        """Yield what the filter still holds, then zeros."""
        yield from self.flush()
        while (missing := round(second * SAMPLE_RATE) - self.written) > 0:
            silence = np.zeros(min(missing, BLOCK), np.float32)
            self.written += len(silence)
            yield silence

    @staticmethod
    def _new() -> av.AudioResampler:
        return av.AudioResampler("flt", "mono", SAMPLE_RATE)

    def _written(self, frames: Iterable[av.AudioFrame | None]) -> Iterator[np.ndarray]:
        for frame in frames:
            # None: flushed without a filter, as the sound was right as it was.
            if frame is not None and frame.samples:
                samples = np.nan_to_num(frame.to_ndarray()[0]).clip(-1.0, 1.0)
                self.written += len(samples)
                yield samples


def _blocks(runs: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Cut runs of samples into arrays of BLOCK; the last may be shorter."""
    held: list[np.ndarray] = []
    count = 0
    for run in runs:
        held.append(run)
        count += len(run)
        if count >= BLOCK:
            whole = np.concatenate(held)
            full = count // BLOCK * BLOCK
            yield from whole[:full].reshape(-1, BLOCK)
            held, count = [whole[full:]], count - full
    if count:
        yield np.concatenate(held)
