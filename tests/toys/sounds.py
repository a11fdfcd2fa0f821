"""Small sound files that the tests make."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE


def tone(seconds: float, hertz: float = 440.0, rate: int = SAMPLE_RATE) -> np.ndarray:
    """A sine at half of full scale, float32 [samples]."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def loudest_hertz(sound: np.ndarray) -> float:
    """The frequency that is strongest."""
    return float(np.abs(np.fft.rfft(sound)).argmax() * SAMPLE_RATE / len(sound))


def write_sound(
    path: Path, *streams: np.ndarray, rate: int = SAMPLE_RATE, codec: str = "flac", layout: str = "mono",
    languages: tuple[str, ...] = (), starts: tuple[float, ...] = (), gap: tuple[float, float] | None = None,
) -> Path:  # fmt: skip
    """A file with a sound stream for each float32 [samples]; ``gap``: at its first second time goes on at its second one.

    All channels are the same.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        opened = [container.add_stream(codec, rate=rate, layout=layout) for _ in streams]
        for stream, language in zip(opened, languages, strict=False):
            stream.metadata["language"] = language
        for number, (stream, samples) in enumerate(zip(opened, streams, strict=True)):
            begin = starts[number] if starts else 0.0
            for place in range(0, len(samples), 1024):
                frame = _frame(samples[place : place + 1024], stream, rate)
                second = place / rate
                frame.pts = round(
                    (begin + second + (gap[1] - gap[0] if gap and second >= gap[0] else 0.0)) * rate
                )
                frame.time_base = Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def _frame(samples: np.ndarray, stream: av.AudioStream, rate: int) -> av.AudioFrame:
    channels = stream.codec_context.layout.nb_channels
    frame = av.AudioFrame.from_ndarray(
        np.repeat(samples, channels)[None], "flt", stream.codec_context.layout.name
    )
    frame.sample_rate = rate
    return av.AudioResampler(stream.codec_context.format.name).resample(frame)[0]
