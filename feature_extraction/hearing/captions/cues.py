"""A cue is what a caption file shows from one time to another; its tokens are the words in it.

All times are seconds from the start of the video.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

from feature_extraction.hearing.hallucinations import SOUNDS
from feature_extraction.hearing.spoken import MARK, is_word, without_sounds
from workfolder.errors import InputError

LINES_WITHOUT_TIMES = "lines without times"
EMPTY_CUES = "cues without words"
REPEATED_LINES = "repeated lines"
NO_CAPTIONS = "files that hold no captions"
"""Reasons for which something is dropped."""

_FULL_STOP = re.compile("([。！？｡])(?=[^\\s。！？｡」』”’）)…])")


class Token(NamedTuple):
    """A word as its file gives it; a time is None where the file has none."""

    text: str
    start: float | None = None
    end: float | None = None
    probability: float | None = None


@dataclass
class Cue:
    """Words on the screen from ``start`` to ``end``, 0 <= start <= end."""

    start: float
    end: float
    tokens: list[Token]


@dataclass
class Notes:
    """What a reader notes about a file beside its words.

    Attributes:
        path: the file.
        language: as the file itself names it; None where it does not.
        dropped: how much was left out, by reason.
        heard: whether a speech recogniser wrote the file, so that it may hold loops.
    """

    path: Path
    language: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    heard: bool = False

    def refuse(self, line: int, reason: str) -> NoReturn:
        """Raise an InputError that names the file and the line, 1 being the first."""
        raise InputError(f"{self.path}, line {line}: {reason}")


def tokens_of(text: str, times: Sequence[float], dropped: Counter[str]) -> list[Token]:
    """Split a text into its spoken words.

    A sentence of a script without spaces is one word. What is not spoken is counted in ``dropped``.

    Args:
        text: cleaned, with a MARK before each word that has a time. A MARK inside a word is
            ignored: a word has one time.
        times: the time of each MARK.
        dropped: is added to.
    """
    if not text.isascii():
        text = _FULL_STOP.sub(r"\1 ", text)
    tokens = []
    passed, time = 0, None
    for chunk in without_sounds(text).split():
        word, marks = chunk, 0
        if MARK in chunk:
            word, marks = chunk.replace(MARK, ""), chunk.count(MARK)
            leading = len(chunk) - len(chunk.lstrip(MARK))
            time = times[passed + leading - 1] if leading else time
            passed += marks
        if is_word(word):
            tokens.append(Token(word, time))
            time = None
        if marks and chunk.endswith(MARK):
            time = times[passed - 1]
    if silent := len(text.replace(MARK, "").split()) - len(tokens):
        dropped[SOUNDS] += silent
    return tokens
