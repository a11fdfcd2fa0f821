"""Sound to timed words, stretch by stretch: what all recognisers have in common.

Those of Whisper's kind hear 30 s at a time and invent text where nobody speaks. stretches.py gives
them what is voiced, and hallucinations.py leaves out what they are not sure of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from feature_extraction.hearing.hallucinations import LOOPS, doubt, without_loops
from feature_extraction.hearing.languages import WITHOUT_SPACES
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.spoken import clean, is_word
from feature_extraction.hearing.stretches import Stretch, stretches
from feature_extraction.hearing.voices import Voices
from feature_extraction.schema import Word


@dataclass(frozen=True)
class Segment:
    """A phrase as Whisper's kin give it.

    Attributes:
        text: the phrase.
        no_speech_prob: probability that nobody speaks.
        avg_logprob: mean log probability of the tokens.
        compression_ratio: of the text by gzip; high where it repeats itself.
        words: with the spaces before them; their times count from the start of the stretch.
    """

    text: str
    no_speech_prob: float
    avg_logprob: float
    compression_ratio: float
    words: tuple[Word, ...]


Hear = Callable[[Sequence[Stretch], str | None], tuple[Sequence[Sequence[Segment]], str | None]]
"""Takes some stretches of sound, and a language, None to find out which.

Returns the phrases of each stretch and their language, None where it cannot tell.
"""


def recognise(
    sound: Iterable[np.ndarray], language: str | None, hear: Hear, voices: Voices, batch: int = 1
) -> Speech:
    """Recognise speech in runs of samples, some stretches at a time.

    The first stretches in which something is said decide the language where none is given.

    Args:
        sound: runs of float32 samples at audio.SAMPLE_RATE that follow one another.
        language: a code such as en; None finds out what is spoken.
        hear: recognises stretches.
        voices: tells where somebody speaks.
        batch: how many stretches are heard at a time.
    """
    words: list[Word] = []
    dropped: Counter[str] = Counter()
    spoken = language
    waiting = stretches(sound, voices)
    while heard_now := list(islice(waiting, batch)):
        phrases, heard = hear(heard_now, spoken)
        before = len(words)
        for stretch, segments in zip(heard_now, phrases, strict=True):
            believed = _believed(segments, heard, dropped)
            words += _placed(believed, stretch, words[-1].start if words else 0.0)
        if len(words) > before:
            spoken = heard
    kept = without_loops(words)
    dropped[LOOPS] = len(words) - len(kept)
    return Speech(tuple(kept), spoken if kept else None, dict(+dropped))


def doubt_of(segment: Segment) -> str | None:
    """Say why a phrase is not believed; None if it is."""
    return doubt(
        segment.text, segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio
    )


def _believed(
    segments: Iterable[Segment], language: str | None, dropped: Counter[str]
) -> Iterator[Word]:
    """Yield the words of the phrases that are believed; the others are counted."""
    for segment in segments:
        if reason := doubt_of(segment):
            dropped[reason] += 1
        else:
            yield from _joined(segment.words, language)


def _joined(words: Sequence[Word], language: str | None) -> Iterator[Word]:
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


def _placed(words: Iterable[Word], stretch: Stretch, earliest: float) -> Iterator[Word]:
    """Put the words of a stretch into the whole sound, their times in order.

    Args:
        words: their times count from the start of the stretch.
        stretch: where they were heard.
        earliest: the second before which none of them may begin.
    """
    for word in words:
        start, end = stretch.span(word.start, word.end)
        earliest = max(start, earliest)
        yield Word(word.text, earliest, max(end, earliest), word.probability)
