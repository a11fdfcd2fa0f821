"""Cues to timed words: what every caption format has in common.

A cue is what is on the screen from one time to another. Its tokens are its words, some with a time of their own.
All times are seconds from the start of the video.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, NoReturn

from feature_extraction.schema import Word
from workfolder.errors import InputError

MARK = "\0"
"""Stands in a cue's text wherever the next inline time applies; cleaned text never holds it otherwise."""

LATEST = 1e9
"""No number in JSON beyond it is believed to be a time."""

_SOUND = re.compile(
    r"\[[^\[\]]*\]"
)  # [Music]; the inner class has no bracket, so a line of brackets takes linear time
_NEVER_SAID = re.compile(r"[^\w&%+$€£¥°@=]+|_+")  # a dash before a speaker, >>, notes of music
_INVISIBLE = re.compile("[\0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can hold half a character; no file can


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
        language: as the file itself names it, else None.
        dropped: how much was left out, by reason.
    """

    path: Path
    language: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)

    def refuse(self, line: int, reason: str) -> NoReturn:
        """InputError that names the file and the line, 1 being the first."""
        raise InputError(f"{self.path}, line {line}: {reason}")


def clean(text: str) -> str:
    """``text`` without characters that have no width, halves of characters, and MARK."""
    if text.isascii() and MARK not in text:
        return text
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))


def tokens_of(
    text: str, times: Sequence[float] = (), dropped: Counter[str] | None = None
) -> list[Token]:
    """The spoken words of ``text``; the n-th MARK in it says that the next word begins at ``times[n]``.

    What stands in square brackets ([Music], [Applause]) and bare punctuation (a speaker's dash, >>, a note) are not
    spoken: they are left out and counted in ``dropped``. A mark inside a word is passed over: a word has one time.
    """
    spoken = _SOUND.sub(_only_marks, text) if "[" in text else text
    tokens = []
    passed, time = 0, None
    for chunk in spoken.split():
        word, marks = chunk, 0
        if MARK in chunk:
            word, marks = chunk.replace(MARK, ""), chunk.count(MARK)
            leading = len(chunk) - len(chunk.lstrip(MARK))
            time = times[passed + leading - 1] if leading else time
            passed += marks
        if word.isalpha() or (word and not _NEVER_SAID.fullmatch(word)):
            tokens.append(Token(word, time))
            time = None
        if marks and chunk.endswith(MARK):
            time = times[passed - 1]
    if dropped is not None and (silent := len(text.replace(MARK, "").split()) - len(tokens)):
        dropped["not spoken"] += silent
    return tokens


def timed_words(cues: Iterable[Cue]) -> Iterator[Word]:
    """The words of ``cues``, each with its times; in order where the cues are.

    Words without a time share the time between their neighbours that have one, or the cue, in proportion to their
    length in characters. A cue that is still there when the next begins has said its words by then.
    """
    waiting: Cue | None = None
    has_times = False
    for cue in cues:
        timed = any(token.start is not None for token in cue.tokens)
        if waiting is None:
            waiting, has_times = cue, timed
        elif cue.start == waiting.start and not (
            timed or has_times
        ):  # two speakers: one after the other
            waiting.tokens += cue.tokens
            waiting.end = max(waiting.end, cue.end)
        else:
            cut = min(waiting.end, cue.start) if cue.start > waiting.start else waiting.end
            yield from _cue_words(waiting, cut)
            waiting, has_times = cue, timed
    if waiting is not None:
        yield from _cue_words(waiting, waiting.end)


def saying_time(text: str) -> float:
    """Seconds that saying a word is taken to last where a file gives only its start; the rest is a pause.

    Chosen so that pauses foretell the full stops of shared/data/captions/aivants; the words of two recognisers that
    give ends last about as long.
    """
    return 0.15 + 0.04 * len(text)


def _cue_words(cue: Cue, cut: float) -> Iterator[Word]:
    """The words of a cue; those at its end that have no time share what is left before ``cut``."""
    begin = last = cue.start
    run: list[str] = []
    for token in cue.tokens:
        if token.start is not None:
            last = min(max(token.start, last), max(cue.end, last))
            yield from _spread(run, min(begin, last), last)
            begin, run = last, []
            if token.end is not None:
                begin = max(token.end, last)
                yield Word(token.text, last, begin, token.probability)
                continue
        run.append(token.text)
    yield from _spread(run, begin, max(begin, cut))


def _spread(texts: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Words that share the time from ``start`` to ``end``; a single one takes no longer than saying it does."""
    if len(texts) == 1:
        yield Word(texts[0], start, min(end, start + saying_time(texts[0])))
        return
    total = sum(map(len, texts))
    begin = start
    for text, said in zip(texts, accumulate(map(len, texts)), strict=True):
        until = min(start + (end - start) * (said / total), end)
        yield Word(text, begin, until)
        begin = until


def _only_marks(sound: re.Match[str]) -> str:
    return f" {MARK * sound[0].count(MARK)} "
