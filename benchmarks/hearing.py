"""How well and how fast speech is heard, beside faster-whisper called directly on the same sound.

    python -m benchmarks.hearing words   --data ../shared/data      errors and times of words
    python -m benchmarks.hearing words   --kitchen DIR              the cook of a kitchen
    python -m benchmarks.hearing speed   --data ../shared/data      ten minutes of speech
    python -m benchmarks.hearing align   --data ../shared/data      captions that get word times
    python -m benchmarks.hearing nothing                            silence, noise and music

Real weights come with the extra speech-weights, and jiwer counts the errors. Both texts go through
Whisper's own normaliser of English. A speed stands beside those that were measured in the same run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from feature_extraction.hearing.audio import SAMPLE_RATE, declared_seconds, stream_sound
from feature_extraction.hearing.captions.formats import read_captions
from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.packaged_weights import PACKAGED
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from workfolder.files import write_json
from workfolder.options import cores

MODELS = ("tiny.en", "base")
KENNEDY = (
    "And so my fellow Americans ask not what your country can do for you ask what you can do for "
    "your country"
)
NEAR = 0.3
"""Seconds by which the start of a word may be wrong."""
UNBATCHED = replace(TranscriptOptions(), batch=1)
BEFORE = replace(UNBATCHED, compute_type="float32")


@dataclass(frozen=True)
class Recording:
    """A file of speech, and what is said in it."""

    path: Path
    text: str
    words: tuple[Word, ...] = ()

    @property
    def name(self) -> str:
        """Its name in a table."""
        return self.path.name


def recordings(data: Path) -> Iterator[Recording]:
    """Yield every recording of the shared data whose words are known."""
    yield Recording(data / "speech" / "whisper" / "jfk.flac", KENNEDY)
    deepspeech = data / "speech" / "deepspeech"
    for path in sorted(deepspeech.glob("*.wav")):
        said = (deepspeech / f"{path.stem.partition('_')[0]}.txt").read_text(encoding="utf-8")
        yield Recording(path, said.split(maxsplit=2)[2])
    videogrep = data / "video" / "videogrep"
    said = " ".join(word.text for word in read_captions(videogrep / "manifesto.vtt").words)
    times = read_captions(videogrep / "manifesto.json").words
    yield Recording(videogrep / "manifesto.mp4", said, times)
    nasa = data / "video" / "torchcodec"
    seconds = declared_seconds(nasa / "nasa_13013.mp4") or 0.0
    heard = read_captions(nasa / "nasa_13013.extracted_subs.srt").words
    yield Recording(
        nasa / "nasa_13013.mp4", " ".join(word.text for word in heard if word.end <= seconds)
    )


def words(args: argparse.Namespace) -> dict[str, Any]:
    """Print the word error rate of each file, ours beside faster-whisper's, and the word times."""
    result: dict[str, Any] = {}
    said = [*(recordings(args.data) if args.data else ()), *kitchen(args.kitchen)]
    for model in args.models:
        ours, alone = (FasterWhisper(model, how) for how in (TranscriptOptions(), UNBATCHED))
        for each in said:
            sound = list(stream_sound(each.path))
            heard = [list(ours(sound).words), list(alone(sound).words), direct(alone, sound)]
            rates = [error_rate(each.text, spoken) for spoken in heard]
            size = len(each.text.split())
            print(
                f"{model:8s} {each.name:32s}{size:5d}"
                + "".join(f"{100 * rate:8.1f}" for rate in rates)
            )
            result[f"{model} {each.name}"] = rates
            for way, spoken in zip(("ours", "--batch 1", "direct"), heard, strict=True):
                if each.words:
                    result[f"{model} starts, {way}"] = starts(each.words, spoken)
                    print(f"{model:8s} starts, {way}: {result[f'{model} starts, {way}']}")
        columns = np.array([result[f"{model} {each.name}"] for each in said])
        sizes = np.array([len(each.text.split()) for each in said])
        result[f"{model} all"] = (sizes @ columns / sizes.sum()).tolist()
        total = "".join(f"{100 * rate:8.1f}" for rate in result[f"{model} all"])
        print(f"{model:8s} {'all words':32s}{sizes.sum():5d}{total}")
    return result


def kitchen(folder: Path | None) -> Iterator[Recording]:
    """Yield the videos of a kitchen whose cook speaks: python -m demos.kitchen --speech."""
    for path in sorted(folder.rglob("*.mp4"))[:6] if folder else ():
        captions = read_captions(path.with_suffix(".en.vtt"))
        yield Recording(path, " ".join(word.text for word in captions.words))


def direct(recogniser: FasterWhisper, sound: list[np.ndarray], **more: Any) -> list[Word]:
    """Return what faster-whisper's own ``transcribe`` makes of a sound, with the same model."""
    model = recogniser._loaded()
    segments, _ = model.transcribe(np.concatenate(sound), word_timestamps=True, **more)
    return [
        Word(word.word.strip(), word.start, word.end, word.probability)
        for segment in segments
        for word in segment.words or ()
    ]


def align(args: argparse.Namespace) -> dict[str, Any]:
    """Print how far word starts are from Vosk's: those of captions, and those that are found."""
    videogrep = args.data / "video" / "videogrep"
    known = read_captions(videogrep / "manifesto.json").words
    shown = read_captions(videogrep / "manifesto.srt").words
    result: dict[str, Any] = {"captions": starts(known, list(shown))}
    print(f"{'captions alone':40s} {result['captions']}")
    for model in args.models:
        recogniser = FasterWhisper(model)
        for late in (0.0, 1.0):
            given = [replace(word, start=word.start + late, end=word.end + late) for word in shown]
            sound = stream_sound(videogrep / "manifesto.mp4")
            found, unheard = recogniser.align(given, sound, "en")
            name = f"{model}, captions {late:g} s late"
            result[name] = starts(known, found) | {"not found": unheard}
            print(f"{name:40s} {result[name]}")
    return result


def error_rate(said: str, heard: list[Word]) -> float:
    """Return the word error rate of what was heard."""
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    plain = EnglishTextNormalizer()
    return float(jiwer.wer(plain(said), plain(" ".join(word.text for word in heard))))


def starts(known: tuple[Word, ...], heard: list[Word]) -> dict[str, float]:
    """Return how far the starts of words are from another recogniser's, where both heard the same.

    Args:
        known: timed by Vosk, a recogniser of another kind.
        heard: by ours.
    """
    import jiwer

    plain = ["".join(filter(str.isalnum, word.text.lower())) or "-" for word in known]
    ours = ["".join(filter(str.isalnum, word.text.lower())) or "-" for word in heard]
    away: list[float] = []
    for chunk in jiwer.process_words(" ".join(plain), " ".join(ours)).alignments[0]:
        if chunk.type == "equal":
            first, other = chunk.ref_start_idx, chunk.hyp_start_idx
            for n in range(chunk.ref_end_idx - first):
                away.append(abs(known[first + n].start - heard[other + n].start))
    return {
        "words": len(away),
        "median seconds": round(float(np.median(away)), 3),
        "95 % within": round(float(np.quantile(away, 0.95)), 3),
        f"share within {NEAR} s": round(float((np.array(away) <= NEAR).mean()), 3),
    }


def speed(args: argparse.Namespace) -> dict[str, Any]:
    """Print how many times as fast as real time ten minutes of speech are heard."""
    narration = list(stream_sound(args.data / "video" / "videogrep" / "manifesto.mp4"))
    pause = np.zeros(3 * SAMPLE_RATE, np.float32)
    once = np.concatenate([*narration, pause])
    sound = [np.tile(once, 20)[: int(args.minutes * 60 * SAMPLE_RATE)]]
    plain = {"condition_on_previous_text": False, "vad_filter": True}
    result: dict[str, Any] = {}
    for model in args.models:
        now = FasterWhisper(model)
        alone, before = FasterWhisper(model, UNBATCHED), FasterWhisper(model, BEFORE)
        for recogniser in (now, alone, before):
            recogniser.prepare()
        ways: dict[str, Callable[[], object]] = {
            "ours, int8, batches of 8": lambda now=now: now(sound),  # type: ignore[misc]
            "ours, int8, --batch 1": lambda alone=alone: alone(sound),  # type: ignore[misc]
            "faster-whisper, int8": lambda it=alone: direct(it, sound, **plain),  # type: ignore[misc]
            "faster-whisper, float32": lambda it=before: direct(it, sound, **plain),  # type: ignore[misc]
        }
        for name, way in ways.items():
            result[f"{model}: {name}"] = times_real_time(way, args.minutes)
        for threads in (1, 2):
            with busy(2, threads):
                name = (
                    f"{model}: ours, beside two processes of {threads} thread{'s' * (threads > 1)}"
                )
                result[name] = times_real_time(lambda now=now: now(sound), args.minutes)
        slowest = np.array(result[f"{model}: faster-whisper, float32"])
        for name in [name for name in result if name.startswith(f"{model}:")]:
            (clock, computed), ratios = result[name], np.array(result[name]) / slowest
            print(
                f"{name:58s} {clock:6.1f} times real time, {ratios[0]:5.2f} times the last; "
                f"{computed:6.1f} by CPU seconds, {ratios[1]:5.2f}"
            )
    return result


def times_real_time(way: Callable[[], object], minutes: float) -> tuple[float, float]:
    """Return the minutes that are heard in a minute of the clock, and of a core's time.

    The second one says more where other programs compute, too.
    """
    begin, computed = time.perf_counter(), time.process_time()
    way()
    taken = time.perf_counter() - begin, time.process_time() - computed
    return minutes * 60 / taken[0], minutes * 60 / taken[1]


class busy:
    """Keeps other processes computing for as long as it is entered."""

    def __init__(self, processes: int, threads: int) -> None:
        self._others = [
            multiprocessing.Process(target=_compute, args=(threads,)) for _ in range(processes)
        ]

    def __enter__(self) -> None:
        for other in self._others:
            other.start()

    def __exit__(self, *_: object) -> None:
        for other in self._others:
            other.terminate()
            other.join()


def _compute(threads: int) -> None:
    matrix = np.random.default_rng(0).normal(size=(400, 400))
    with threadpool_limits(threads):
        while True:
            matrix @ matrix


def nothing(args: argparse.Namespace) -> dict[str, Any]:
    """Print how many words are invented in a minute in which nobody speaks."""
    result: dict[str, Any] = {}
    recognisers = {model: FasterWhisper(model) for model in args.models}
    for name, sound in unspoken(args.minutes).items():
        for model, recogniser in recognisers.items():
            invented = recogniser([sound], "en").words
            result[f"{model} {name}"] = len(invented) / args.minutes
            print(f"{model:8s} {name:20s} {result[f'{model} {name}']:.2f} words a minute")
    return result


def unspoken(minutes: float) -> dict[str, np.ndarray]:
    """Make sounds without a voice: float32 [samples] by name."""
    rng = np.random.default_rng(0)
    samples = int(minutes * 60 * SAMPLE_RATE)
    times = np.arange(samples) / SAMPLE_RATE
    white = rng.normal(size=samples)
    rain = np.convolve(white, np.ones(4) / 4, "same") * (0.6 + 0.4 * np.sin(2 * np.pi * times / 7))
    # A melody over chords: a new note each half second, each with four overtones that fade.
    notes = 220 * 2 ** (
        rng.choice([0, 2, 4, 5, 7, 9, 11, 12], samples // (SAMPLE_RATE // 2) + 1) / 12
    )
    pitch = np.repeat(notes, SAMPLE_RATE // 2)[:samples]
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    fade = np.exp(-3 * (times % 0.5))
    tune = sum(np.sin(k * phase) / k for k in range(1, 5)) * fade
    chords = sum(np.sin(2 * np.pi * 110 * ratio * times) for ratio in (1, 1.25, 1.5))
    sounds = {
        "silence": 1e-3 * white,
        "white noise": white,
        "rain": rain,
        "music": tune + 0.3 * chords,
    }
    loud = {name: 0.3 * sound / np.abs(sound).max() for name, sound in sounds.items()}
    return {name: sound.astype(np.float32) for name, sound in loud.items()} | {
        "silence": sounds["silence"].astype(np.float32)
    }


def main() -> None:
    """Run one of the four."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"words": words, "speed": speed, "align": align, "nothing": nothing}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--data", type=Path, help="the shared data")
    parser.add_argument("--kitchen", type=Path, help="a kitchen whose cook speaks")
    parser.add_argument("--minutes", type=float, default=10.0, help="of sound (default: 10)")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=PACKAGED)
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    args = parser.parse_args()
    here = machine("faster-whisper", "ctranslate2", "jiwer")
    print(here | {"threads": cores()})
    figures = parts[args.part](args)
    if args.json:
        write_json({"machine": here} | figures, args.json)


if __name__ == "__main__":
    main()
