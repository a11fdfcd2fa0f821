"""Word times on speech whose word times are known, because espeak-ng made it.

    python -m benchmarks.spoken_words --data ../shared/data

Transcripts of cooking videos are read by six voices, with pauses at chance and faint noise. Printed
is how far word starts are from the truth, heard and aligned, what share of the words of captions is
not found, and what share is found where the captions of another video are shown. BETWEEN_WORDS of
hearing/stretches.py and LEAST_SURE of hearing/alignment.py were chosen on this, so that no file of
the tables in docs/hearing.md has a say in them.
"""

from __future__ import annotations

import argparse
import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from benchmarks.hearing import MODELS, direct, starts
from benchmarks.machine import machine
from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.schema import Word
from workfolder.options import cores

VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-gb-scotland", "en-gb-x-rp", "en-us+f4")
WORDS = 150
SHOWN = 7
"""Words of a caption."""
FAR = 1000.0
RETRIEVE, CHARACTERS, UTF8_SSML, RATE_PARAMETER, WORD_EVENT = 1, 1, 0x11, 1, 1
"""Numbers of espeak-ng's speak_lib.h."""


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_HEARD = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Spoken:
    """A text that was read.

    Attributes:
        sound: float32 [samples] at SAMPLE_RATE.
        words: with the seconds at which they begin; each ends where the next one begins.
    """

    sound: np.ndarray
    words: tuple[Word, ...]


class Reader:
    """espeak-ng, by its library."""

    def __init__(self) -> None:
        """Load it; OSError if it is not installed (apt-get install espeak-ng)."""
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = int(self._library.espeak_Initialize(RETRIEVE, 0, None, 0))

    def __call__(self, ssml: str, voice: str, pace: int) -> tuple[np.ndarray, dict[int, float]]:
        """Return int16 samples, and the second at which the word at each character begins."""
        samples: list[np.ndarray] = []
        begins: dict[int, float] = {}

        def heard(sound: object, count: int, events: ctypes.Array[_Event]) -> int:
            if sound and count:
                samples.append(np.ctypeslib.as_array(sound, (count,)).copy())  # type: ignore[call-overload]
            place = 0
            while (event := events[place]).type:
                if event.type == WORD_EVENT and event.length:
                    begins.setdefault(event.text_position - 1, event.milliseconds / 1000)
                place += 1
            return 0

        callback = _HEARD(heard)
        self._library.espeak_SetSynthCallback(callback)
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise OSError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(RATE_PARAMETER, pace, 0)
        text = ssml.encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, CHARACTERS, 0, UTF8_SSML, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(samples), begins


def read_aloud(data: Path, videos: int) -> Iterator[Spoken]:
    """Read the beginnings of transcripts aloud."""
    folder = data / "annotations" / "frankxu_cooking_procedural" / "youcook2" / "transcript"
    rng, reader = np.random.default_rng(0), Reader()
    for number, path in enumerate(sorted(folder.glob("*.txt"))[: 100 * videos : 100]):
        texts = re.sub("[<>&]", "", path.read_text(encoding="utf-8")).split()[:WORDS]
        ssml, places = "<speak>", []
        for text in texts:
            paused = rng.random() < 0.12
            ssml += f'<break time="{int(rng.uniform(150, 1200))}ms"/> ' if paused else " "
            places.append(len(ssml))
            ssml += text
        voice = VOICES[number % len(VOICES)]
        samples, begins = reader(f"{ssml}</speak>", voice, int(rng.integers(150, 185)))
        sound = _resampled(samples, reader.rate)
        faint = 0.3 * np.abs(sound).max() * 10 ** (-rng.uniform(30, 50) / 20)
        sound = sound + (faint * rng.normal(size=len(sound))).astype(np.float32)
        pairs = zip(texts, places, strict=True)
        known = [(text, begins[place]) for text, place in pairs if place in begins]
        ends = [*(start for _, start in known[1:]), len(sound) / SAMPLE_RATE]
        words = zip(known, ends, strict=True)
        yield Spoken(sound, tuple(Word(text, start, end) for (text, start), end in words))


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray((samples.astype(np.float32) / 2**15)[None], "flt", "mono")
    frame.sample_rate = rate
    made = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([each.to_ndarray()[0] for each in made])


def captions(words: tuple[Word, ...], texts: tuple[Word, ...] | None = None) -> list[Word]:
    """Show words in captions without word times: in small letters, without marks.

    Args:
        words: when they are said.
        texts: what is shown in their place.
    """
    shown: list[Word] = []
    bounds = [*range(0, len(words), SHOWN), len(words)]
    for first, last in pairwise(bounds):
        start, end = words[first].start, words[last - 1].end
        times = np.linspace(start, end, last - first + 1).tolist()
        for n in range(first, last):
            text = (texts or words)[n % len(texts or words)].text.lower()
            plain = "".join(filter(str.isalnum, text)) or "so"
            shown.append(Word(plain, *times[n - first : n - first + 2], begins_cue=n == first))
    return shown


def joined(parts: list[list[Word]]) -> list[Word]:
    """Put the words of one recording after another's, FAR seconds apart."""
    return [
        replace(word, start=word.start + FAR * number, end=word.end + FAR * number)
        for number, words in enumerate(parts)
        for word in words
    ]


def main() -> None:
    """Print how far word starts are from the truth, and how many captions are found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the shared data")
    parser.add_argument("--videos", type=int, default=12, help="transcripts (default: 12)")
    parser.add_argument("--models", nargs="+", default=MODELS)
    args = parser.parse_args()
    print(machine("faster-whisper", "ctranslate2", "jiwer") | {"threads": cores()})
    spoken = list(read_aloud(args.data, args.videos))
    truth = joined([list(each.words) for each in spoken])
    shown = [captions(each.words) for each in spoken]
    print(f"{'captions alone':30s} {starts(tuple(truth), joined(shown))}")
    for model in args.models:
        recogniser = FasterWhisper(model)
        heard = joined([list(recogniser([each.sound], "en").words) for each in spoken])
        theirs = joined([direct(recogniser, [each.sound], language="en") for each in spoken])
        print(f"{model + ', heard':30s} {starts(tuple(truth), heard)}")
        print(f"{model + ', direct':30s} {starts(tuple(truth), theirs)}")
        pairs = list(zip(shown, spoken, strict=True))
        found = [recogniser.align(words, [each.sound], "en") for words, each in pairs]
        lost = sum(count for _, count in found) / len(truth)
        aligned = joined([words for words, _ in found])
        print(f"{model + ', aligned':30s} {starts(tuple(truth), aligned)}, not found {lost:.3f}")
        others = [captions(each.words, spoken[n - 1].words) for n, each in enumerate(spoken)]
        wrong = list(zip(others, spoken, strict=True))
        kept = sum(recogniser.align(words, [each.sound], "en")[1] for words, each in wrong)
        print(f"{model + ', captions of another':30s} found {1 - kept / len(truth):.3f}")


if __name__ == "__main__":
    main()
