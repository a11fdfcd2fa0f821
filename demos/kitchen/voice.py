"""The cook's voice: espeak-ng speaks each sentence at the time that its caption has."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Sequence

import numpy as np

from demos.kitchen.narration import Sentence

RATE = 22_050  # samples a second, espeak-ng's own
WORDS_A_MINUTE = 175  # its own, too; faster where a sentence would not end in time
FASTEST = 450  # words a minute that it can speak


def can_speak() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def speak(sentences: Sequence[Sentence], seconds: float) -> np.ndarray:
    """A sound track of that many seconds: int16 [samples], mono, RATE samples a second.

    A sentence begins with its first word; one that cannot be said in time runs on under the next.
    """
    track = np.zeros(round(seconds * RATE), dtype=np.int32)
    for sentence in sentences:
        begin = round(sentence.words[0].start * RATE)
        said = _say(
            " ".join(word.text for word in sentence.words),
            sentence.words[-1].end - sentence.words[0].start,
        )
        room = track[begin : begin + len(said)]
        room += said[: len(room)]
    return np.clip(track, -(2**15), 2**15 - 1).astype(np.int16)


def _say(text: str, seconds: float) -> np.ndarray:
    """The samples of a sentence, spoken as fast as it must be to end in time."""
    said = _espeak(text, WORDS_A_MINUTE)
    if len(said) > seconds * RATE:
        said = _espeak(text, min(FASTEST, round(WORDS_A_MINUTE * len(said) / RATE / seconds)))
    return said


def _espeak(text: str, words_a_minute: int) -> np.ndarray:
    command = ["espeak-ng", "-v", "en-us", "-s", str(words_a_minute), "--stdout"]
    spoken = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        return np.frombuffer(file.readframes(2**31 - 1), dtype=np.int16)
