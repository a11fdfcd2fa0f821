"""Sound to timed words, piece by piece: what the recognisers of Whisper's kind have in common.

They hear 30 s at a time and invent text where nobody speaks; hallucinations.py leaves that out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.hallucinations import LOOPS, doubt, without_loops
from feature_extraction.hearing.languages import WITHOUT_SPACES
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.spoken import clean, is_word
from feature_extraction.schema import Word

PIECE_SECONDS = 120.0
"""A recogniser gets so much sound at a time, so that memory does not grow with the video."""
CUT_SECONDS = 30.0
"""A piece ends at the quietest moment of its last so many seconds, so that no word is cut."""
QUIET_SECONDS = 0.3
"""How long such a moment is: a short pause."""
INAUDIBLE = 1e-4
"""Sound that never exceeds it, -80 dB, is silence: three units of the last place of 16 bits."""


@dataclass(frozen=True)
class Segment:
    """A phrase as Whisper's kin give it.

    Attributes:
        text: the phrase.
        no_speech_prob: probability that nobody speaks.
        avg_logprob: mean log probability of the tokens.
        compression_ratio: of the text by gzip; high where it repeats itself.
        words: with the spaces before them; their times count from the start of the piece of sound.
    """

    text: str
    no_speech_prob: float
    avg_logprob: float
    compression_ratio: float
    words: tuple[Word, ...]


HearPiece = Callable[[np.ndarray, str | None], tuple[Sequence[Segment], str]]
"""Takes a piece of sound, float32 [samples], and a language, None to find out which.

Returns the phrases in it and their language.
"""


def recognise(sound: Iterable[np.ndarray], language: str | None, hear: HearPiece) -> Speech:
    """Recognise speech in runs of samples, piece by piece.

    The first piece in which something is said decides the language where none is given.
    """
    words: list[Word] = []
    dropped: Counter[str] = Counter()
    spoken = language
    for start, piece in pieces(sound):
        if np.abs(piece).max() < INAUDIBLE:
            continue
        segments, heard = hear(piece, spoken)
        believed: list[Word] = []
        for segment in segments:
            figures = segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio
            if reason := doubt(segment.text, *figures):
                dropped[reason] += 1
            else:
                believed += _joined(segment.words, heard)
        words += _placed(believed, start, len(piece) / SAMPLE_RATE)
        if believed:
            spoken = heard
    kept = without_loops(words)
    dropped[LOOPS] = len(words) - len(kept)
    return Speech(tuple(kept), spoken if kept else None, dict(+dropped))


def pieces(
    sound: Iterable[np.ndarray], seconds: float = PIECE_SECONDS
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut sound into arrays of at most ``seconds`` that follow one another.

    Each but the last ends at the quietest moment of its last CUT_SECONDS, or of its second half if
    that is shorter.

    Yields:
        The second at which a piece starts, and its samples.
    """
    longest, within = int(seconds * SAMPLE_RATE), int(min(CUT_SECONDS, seconds / 2) * SAMPLE_RATE)
    rest = np.empty(0, np.float32)
    start = 0
    for run in sound:
        rest = np.concatenate([rest, run])
        while len(rest) > longest:
            cut = longest - within + quietest(rest[longest - within : longest])
            yield start / SAMPLE_RATE, rest[:cut]
            start, rest = start + cut, rest[cut:]
    if len(rest):
        yield start / SAMPLE_RATE, rest


def quietest(sound: np.ndarray) -> int:
    """Find the sample in the middle of the quietest QUIET_SECONDS; not 0 if sound is as long."""
    step = SAMPLE_RATE // 100
    whole = sound[: len(sound) // step * step]
    power = np.square(whole, dtype=np.float64).reshape(-1, step).sum(axis=1)
    width = int(QUIET_SECONDS * SAMPLE_RATE / step)
    if len(power) < width:
        return len(sound) // 2
    sums = np.convolve(power, np.ones(width), "valid")
    return (int(sums.argmin()) + width // 2) * step


def _joined(words: Sequence[Word], language: str) -> Iterator[Word]:
    """Join words that have no space between ("e", "-mail"), and leave out what is not spoken."""
    joined: list[Word] = []
    for word in words:
        if joined and language not in WITHOUT_SPACES and not word.text.startswith(" "):
            before = joined.pop()
            sure = [share for share in (before.probability, word.probability) if share is not None]
            word = Word(before.text + word.text, before.start, word.end, min(sure, default=None))
        joined.append(word)
    for word in joined:
        if is_word(text := clean(word.text).strip()):
            yield Word(text, word.start, word.end, word.probability)


def _placed(words: Iterable[Word], start: float, length: float) -> Iterator[Word]:
    """Put the words of a piece into the whole sound, their times in order and within the piece.

    Args:
        words: their times count from the start of the piece.
        start: where the piece starts, in seconds.
        length: of the piece, in seconds.
    """
    earliest = 0.0
    for word in words:
        earliest = min(max(word.start, earliest), length)
        end = start + min(max(word.end, earliest), length)
        yield Word(word.text, start + earliest, end, word.probability)
