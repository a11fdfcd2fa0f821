"""When each word of a caption is said, where only the caption has times (forced alignment).

A recogniser is given the words and finds them in the sound. It hears neighbouring captions
together, at most 30 s of them. The outermost captions of such a window stand there only so that no
word is sought in the sound of another; the windows before and after have them in their middle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.stretches import LONGEST_SECONDS, SILENCE_SECONDS, Stretch
from feature_extraction.hearing.voices import Voices
from feature_extraction.schema import Word

MARGIN = 1.0
"""Seconds by which captions may be shown too late or taken away too early."""
LEAST_SECONDS = 0.1
"""Seconds of sound that a caption must have, for words to be sought in it."""
LEAST_SURE = 0.02
"""A caption whose words are less likely, in the geometric mean, is not what is said. Chosen on
espeak-ng's speech: 2 to 5 % of its captions are less likely, and 91 to 92 % of those of another
video (docs/hearing.md)."""
UNHEARD = "word times that were not found"
"""Reason for which words keep the times that are guessed from their captions."""

Align = Callable[[Sequence[np.ndarray], Sequence[Sequence[str]]], Sequence[Sequence[Word] | None]]
"""Takes some windows of sound, each of at most LONGEST_SECONDS, and the words of each.

Returns the words with their times in the window and their probabilities; None where it cannot.
"""


@dataclass(frozen=True)
class Caption:
    """Words that are shown together: from the first to before the last, in seconds."""

    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True)
class Window:
    """Neighbouring captions whose words are sought together.

    Attributes:
        captions: at least one.
        wanted: those of which the times are taken.
        begin, end: seconds of the sound.
    """

    captions: Sequence[Caption]
    wanted: Sequence[Caption]
    begin: float
    end: float

    def texts(self, words: Sequence[Word]) -> list[str]:
        """Return the words of the captions."""
        return [word.text for word in words[self.captions[0].first : self.captions[-1].last]]


def lack_times(words: Sequence[Word]) -> bool:
    """Say whether most words of captions share the time of their caption."""
    shown = (one for one in captions_of(words) if words[one.first].begins_cue)
    return 2 * sum(one.last - one.first for one in shown) > len(words)


def align_words(
    words: Sequence[Word], sound: Iterable[np.ndarray], align: Align, voices: Voices, batch: int
) -> tuple[list[Word], int]:
    """Return words with the times at which they are heard, and how many were not found.

    Args:
        words: of captions, in the order of their starts; what is not found keeps its times.
        sound: runs of float32 samples at audio.SAMPLE_RATE that follow one another.
        align: finds words in sound.
        voices: tells where somebody speaks.
        batch: how many windows are looked at at a time.
    """
    made, unheard = list(words), len(words)
    waiting = excerpts(sound, windows(captions_of(words)))
    while now := list(islice(waiting, batch)):
        found = align([samples for _, samples in now], [one.texts(words) for one, _ in now])
        for (window, samples), times in zip(now, found, strict=True):
            stretch = _whole(samples, window.begin, voices)
            for caption, heard in _believed(window, times):
                for n, word in enumerate(heard, caption.first):
                    span = stretch.span(word.start, word.end)
                    made[n] = Word(words[n].text, *span, word.probability)
                unheard -= len(heard)
    return _in_order(made), unheard


def captions_of(words: Sequence[Word]) -> list[Caption]:
    """Tell which words are shown together: they follow one another without a gap."""
    begins = [after.begins_cue or after.start != before.end for before, after in pairwise(words)]
    bounds = [0, *(n for n, begin in enumerate(begins, 1) if begin), len(words)]
    return [
        Caption(first, last, words[first].start, words[last - 1].end)
        for first, last in pairwise(bounds)
        if first < last
    ]


def windows(captions: Sequence[Caption]) -> Iterator[Window]:
    """Join captions to windows. Each is wanted in one, but those that are too long for any."""

    def fit(first: int, last: int) -> bool:
        seconds = captions[last].end - captions[first].start
        return seconds + 2 * MARGIN <= LONGEST_SECONDS

    def follows(n: int) -> bool:
        if not 0 < n < len(captions):
            return False
        return captions[n].start - captions[n - 1].end < SILENCE_SECONDS

    wanted = 0
    while wanted < len(captions):
        first = wanted - (follows(wanted) and fit(wanted - 1, wanted))
        last = wanted
        while follows(last + 1) and fit(first, last + 1):
            last += 1
        until = last if follows(last + 1) and last > wanted else last + 1
        if fit(first, last):
            shown = captions[first : last + 1]
            begin, end = max(shown[0].start - MARGIN, 0.0), shown[-1].end + MARGIN
            yield Window(shown, captions[wanted:until], begin, end)
        wanted = until


def excerpts(
    sound: Iterable[np.ndarray], windows: Iterable[Window]
) -> Iterator[tuple[Window, np.ndarray]]:
    """Yield the samples of each window whose first caption begins before the sound ends.

    Args:
        sound: runs of float32 samples at audio.SAMPLE_RATE that follow one another.
        windows: in the order in which they begin.
    """
    runs = iter(sound)
    held, begin = np.empty(0, np.float32), 0  # ``held`` begins at the sample ``begin``
    for window in windows:
        first, last = (round(second * SAMPLE_RATE) for second in (window.begin, window.end))
        while begin + len(held) < last and (run := next(runs, None)) is not None:
            # What is before this window is not needed again.
            passed = min(max(first - begin, 0), len(held))
            held, begin = np.concatenate([held[passed:], run]), begin + passed
        samples = held[max(first - begin, 0) : last - begin]
        if first + len(samples) >= (window.captions[0].start + LEAST_SECONDS) * SAMPLE_RATE:
            yield window, samples


def _believed(
    window: Window, times: Sequence[Word] | None
) -> Iterator[tuple[Caption, Sequence[Word]]]:
    """Yield the captions that are wanted of a window and heard in it, with their words."""
    if times is None:
        return
    for caption in window.wanted:
        place = caption.first - window.captions[0].first
        heard = times[place : place + caption.last - caption.first]
        shares = [word.probability or 0.0 for word in heard]
        if np.log(np.maximum(shares, 1e-9)).mean() >= np.log(LEAST_SURE):
            yield caption, heard


def _whole(samples: np.ndarray, begin: float, voices: Voices) -> Stretch:
    """Return samples that begin at a second as a stretch."""
    origin = np.array([round(begin * SAMPLE_RATE)])
    return Stretch(samples, np.zeros(1, np.int64), origin, voices(samples))


def _in_order(words: Iterable[Word]) -> list[Word]:
    """Let no word start before the one before it."""
    made: list[Word] = []
    for word in words:
        start = max(word.start, made[-1].start) if made else word.start
        end = max(word.end, start)
        made.append(Word(word.text, start, end, word.probability, word.begins_cue))
    return made
