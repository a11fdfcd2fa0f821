"""What the cook says and when: sentences for the steps, filler without actions, times of all words.

A sentence's words stay within `DRIFT` seconds of their step, and `SILENCE` seconds part sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demos.kitchen.phrases import FILLERS, FORMS, GOODBYES, GREETINGS, OPENERS, STEP_PHRASES, TAILS
from demos.kitchen.truth import Step, Video

DRIFT = 1.5  # seconds a step's words may come before it begins or after it ends
LEAN = 1.2  # seconds by which a whole sentence is moved, at most
SILENCE = 0.6  # least seconds between two sentences: by this they can be told apart
QUIETER = 0.9  # seconds between two sentences where there is room

FILL = (0.6, 0.95)  # share of a step that its sentence takes, about
SLOWER = 1.7  # how much slower than its pace a cook speaks at most, with busy hands
OPENER_SHARE, TAIL_SHARE, CHATTER_SHARE = 0.25, 0.2, 0.6


@dataclass(frozen=True)
class SpokenWord:
    """A word and when it is said."""

    text: str
    start: float  # seconds from the start of the video
    end: float


@dataclass(frozen=True)
class Sentence:
    """Words in one breath."""

    words: tuple[SpokenWord, ...]
    step: int | None  # index of the step it tells of; None for filler

    @property
    def end(self) -> float:
        """When its last word ends."""
        return self.words[-1].end


def narrate(video: Video, rng: np.random.Generator) -> list[Sentence]:
    """All sentences of a video, in order."""
    pace = rng.uniform(0.85, 1.1)
    first_step = video.steps[0].start
    sentences = _chatter([], _pick(GREETINGS, rng), 0.2, first_step - SILENCE, pace, rng)
    for index, step in enumerate(video.steps):
        if step.spoken:
            sentences.append(_tell(index, step, _free_from(sentences), pace, rng))
            room = _limit(video, index) - sentences[-1].end
            if room > 3.0 and rng.random() < CHATTER_SHARE:
                start = sentences[-1].end + QUIETER
                sentences = _chatter(
                    sentences, _pick(FILLERS, rng), start, _limit(video, index), pace, rng
                )
        elif rng.random() < CHATTER_SHARE:
            start = max(_free_from(sentences), step.start + rng.uniform(0, 1))
            sentences = _chatter(
                sentences, _pick(FILLERS, rng), start, _limit(video, index), pace, rng
            )
    start = max(_free_from(sentences), video.steps[-1].end - 1.0)
    return _chatter(sentences, _pick(GOODBYES, rng), start, video.duration - 0.05, pace, rng)


def _free_from(sentences: list[Sentence]) -> float:
    """When the next sentence may begin."""
    return sentences[-1].end + SILENCE if sentences else 0.0


def _limit(video: Video, index: int) -> float:
    """When everything about a step must have been said, so that the next one is told in time."""
    return min(video.steps[index].end + 0.4, video.duration - 0.05)


def _tell(
    index: int, step: Step, earliest: float, pace: float, rng: np.random.Generator
) -> Sentence:
    """A sentence for a step: it begins inside it, moved a little, and fills a good part of it."""
    length = step.end - step.start
    words = _sentence(step, rng)
    pace *= min(SLOWER, length * rng.uniform(*FILL) / _seconds(words, pace))
    slack = max(0.0, length - _seconds(words, pace))
    start = step.start + rng.uniform(0, slack) + rng.uniform(-LEAN, LEAN)
    start = max(start, earliest, step.start - DRIFT)
    room = step.end + DRIFT - 0.1 - start
    return Sentence(
        _speak(words, start, min(pace, pace * room / _seconds(words, pace)), rng), index
    )


def _sentence(step: Step, rng: np.random.Generator) -> list[str]:
    """Words that name the step, sometimes with more around them.

    Sometimes only: where all of some hundred sentences differ, a model learns each by its ornaments
    and does not look at the pictures.
    """
    ing, past = FORMS[step.verb]
    text = _pick(STEP_PHRASES, rng).format(verb=step.verb, noun=step.noun, ing=ing, past=past)
    words = text.split()
    if rng.random() < OPENER_SHARE:
        words = _pick(OPENERS, rng).split() + words
    if rng.random() < TAIL_SHARE:
        words += _pick(TAILS, rng).split()
    return words


def _chatter(
    before: list[Sentence],
    text: str,
    start: float,
    limit: float,
    pace: float,
    rng: np.random.Generator,
) -> list[Sentence]:
    """The sentences so far and a filler, unless it would last beyond `limit`."""
    words = text.split()
    if start + _seconds(words, pace) > limit:
        return before
    return [*before, Sentence(_speak(words, start, pace, rng), None)]


def _seconds(words: list[str], pace: float) -> float:
    """How long words take at most; at pace 1 a word takes a quarter to half a second."""
    return pace * sum(0.20 + 0.028 * len(word) for word in words)


def _speak(
    words: list[str], start: float, pace: float, rng: np.random.Generator
) -> tuple[SpokenWord, ...]:
    """Words one after the other, each a little shorter than it might be, in whole milliseconds."""
    spoken, now = [], start
    for word in words:
        length = _seconds([word], pace)
        spoken.append(
            SpokenWord(word, round(now, 3), round(now + length * rng.uniform(0.8, 0.98), 3))
        )
        now += length
    return tuple(spoken)


def _pick(phrases: tuple[str, ...], rng: np.random.Generator) -> str:
    return phrases[int(rng.integers(len(phrases)))]
