"""What a recogniser of Whisper's kind invents where nobody speaks, over music and in silence.

Its own figures tell what it is not sure of, and a phrase that it says over and over is a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feature_extraction.hearing.spoken import clean, is_sound, is_spoken
from feature_extraction.schema import Word

NO_SPEECH, LOGPROB, COMPRESSION = 0.6, -1.0, 2.4
"""Thresholds of ``doubt``: whisper.transcribe's, and section 4.5 of arXiv:2212.04356."""
REPEATS = 4
"""A phrase said so many times on end is a loop, of which the first is kept."""
LONGEST_LOOP = 40
"""Words of the longest phrase that is looked for: a long sentence."""

SOUNDS, SILENCE = "sounds and marks", "phrases over silence"
GUESSES, REPETITIONS, LOOPS = "guessed phrases", "phrases that repeat themselves", "looped words"
"""Reasons for which words are dropped."""


def doubt(
    text: str, no_speech_prob: float, avg_logprob: float, compression_ratio: float
) -> str | None:
    """Say why a phrase is not believed; None if it is.

    Args:
        text: the phrase.
        no_speech_prob: probability that nobody speaks, in [0, 1].
        avg_logprob: mean log probability of the tokens.
        compression_ratio: of the text by gzip; high where it repeats itself.
    """
    if not is_spoken(clean(text)) or is_sound(text):
        return SOUNDS
    if avg_logprob < LOGPROB:
        return SILENCE if no_speech_prob > NO_SPEECH else GUESSES
    return REPETITIONS if compression_ratio > COMPRESSION else None


def without_loops(words: Sequence[Word]) -> list[Word]:
    """Keep of each loop of a phrase, LONGEST_LOOP words at most, only the first time it is said."""
    kept = list(words)
    for length in range(1, LONGEST_LOOP + 1):
        said = _numbered([word.text.lower().strip(".,!?…") for word in kept])
        repeats = np.concatenate([[False], said[length:] == said[:-length], [False]])
        edges = np.flatnonzero(np.diff(repeats)) + length  # runs of words that were said before
        looped = np.zeros(len(said), dtype=bool)
        for first, last in edges.reshape(-1, 2):
            if last - first >= length * (REPEATS - 1):
                looped[first:last] = True
        if looped.any():
            kept = [word for word, drop in zip(kept, looped, strict=True) if not drop]
    return kept


def _numbered(texts: Sequence[str]) -> np.ndarray:
    """Number the different texts: int64 [texts]."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)
