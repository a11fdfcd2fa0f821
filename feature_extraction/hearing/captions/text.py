"""Captions that are lines of text: WebVTT and SubRip.

Both are read line by line, so memory holds a cue at a time. YouTube's automatic captions show a line twice or three
times as it rolls up the screen; each is read once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from feature_extraction.hearing.timed_words import MARK, Cue, Notes, clean, tokens_of

ARROW = "-->"
EXAMPLE = f"00:00:01.000 {ARROW} 00:00:02.000"
ROWS = 4
"""How many lines can roll on from one cue to the next; YouTube shows two."""
HOLD = 0.1
"""Seconds: YouTube holds a finished line for 0.01 s; and the gap across which a line can still be the same line."""

_CLOCK = r"(-?)(?:([0-9]{1,6}):)?([0-5]?[0-9]):([0-5]?[0-9])(?:[.,]([0-9]{1,3}))?"
_INLINE_TIME = re.compile(_CLOCK)
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s|$)")
_LIKE_A_TIME = re.compile(r"\s*-?[0-9]+:")
_TAG = re.compile(
    r"<([^<>]*)>"
)  # neither < nor > within: a line of brackets alone takes linear time
_TAG_NAME = re.compile(r"/|[a-zA-Z.]|$")
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")  # {\an8} in SubRip
_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)\s*$|NOTE\s")
_HEADER = re.compile(r"WEBVTT(?:[ \t]|$)")
_LANGUAGE = re.compile(r"Language:\s*(\S+)")

NumberedLines = Iterator[tuple[int, str]]


@dataclass
class _Block:
    """A cue as it stands in the file."""

    start: float
    end: float
    lines: list[str] = field(default_factory=list)


class _Line(NamedTuple):
    """A line of a cue: its text with a MARK for each inline time, and the same without marks or spare spaces."""

    marked: str
    times: tuple[float, ...]
    plain: str


def read_vtt(lines: NumberedLines, notes: Notes) -> Iterator[Cue]:
    """The cues of a WebVTT file, each line once; InputError if it has no header, no cue or a time that is none."""
    _, first = next(lines, (1, ""))
    if not _HEADER.match(first):
        notes.refuse(
            1,
            f"a .vtt file begins with WEBVTT, this one with {first[:40]!r}: give it its true suffix",
        )
    yield from _unroll(_blocks(_after_header(lines, notes), notes), notes)


def read_srt(lines: NumberedLines, notes: Notes) -> Iterator[Cue]:
    """The cues of a SubRip file, each line once; InputError if it has no cue or a time that is none."""
    yield from _unroll(_blocks(lines, notes), notes)


def _after_header(lines: NumberedLines, notes: Notes) -> NumberedLines:
    for number, line in lines:
        if ARROW in line:
            return chain([(number, line)], lines)
        if not line:
            break
        if language := _LANGUAGE.match(line):
            notes.language = language[1]
    return lines


def _blocks(lines: NumberedLines, notes: Notes) -> Iterator[_Block]:
    """The cues as they stand; InputError if there is none."""
    block: _Block | None = None
    number, found, comment, stray = 1, False, False, 0
    for number, line in lines:
        if not line:
            if block:
                yield block
            notes.dropped["lines without times"] += stray
            block, stray, comment = None, 0, False
        elif comment:
            continue
        elif ARROW in line and (block is None or _LIKE_A_TIME.match(line)):
            if block:
                yield _without_number(block)
            block, stray, found = _Block(*_timing(number, line, notes)), 0, True
        elif block:
            block.lines.append(line)
        else:
            comment = not stray and _COMMENT.match(line) is not None
            stray += not (comment or line.isspace())
    notes.dropped["lines without times"] += stray
    if block:
        yield block
    if not found:
        notes.refuse(number, f"the file ends here without a cue such as {EXAMPLE}: get it again")


def _without_number(block: _Block) -> _Block:
    """A cue that the next one follows without a blank line: its last line is the next one's number, if it is one."""
    if block.lines and block.lines[-1].strip().isdecimal():
        block.lines.pop()
    return block


def _timing(number: int, line: str, notes: Notes) -> tuple[float, float]:
    """Start and end, 0 <= start <= end: what is before 0 is taken as 0, and an end before its start as the start."""
    match = _TIMING.match(line)
    if not match:
        notes.refuse(number, f"{line[:60]!r} is no time such as {EXAMPLE}: mend or delete this cue")
    parts = match.groups()
    start = max(_seconds(*parts[:5]), 0.0)
    return start, max(_seconds(*parts[5:]), start)


def _seconds(
    sign: str, hours: str | None, minutes: str, seconds: str, fraction: str | None
) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    value = (whole * 1000 + int((fraction or "0").ljust(3, "0"))) / 1000
    return -value if sign else value


def _unroll(blocks: Iterator[_Block], notes: Notes) -> Iterator[Cue]:
    """Cues without the lines that were already on the screen.

    Lines that were the last ones shown are the same lines still, and not the same words again, if they have no inline
    times and two of these three hold: they were on the screen until this cue begins; a new line follows below them, or
    the cue lasts but a moment; lines roll in this file, which inline times show or a line held for a moment.
    """
    shown: list[str] = []
    until, rolls = -1.0, False
    for block in blocks:
        lines = [line for line in (_line(text) for text in block.lines) if line.plain]
        rolls = rolls or any(line.times for line in lines)
        rolled = _rolled(shown, lines)
        stayed, held = block.start <= until + HOLD, block.end - block.start <= HOLD
        if stayed + (held or rolled < len(lines)) + rolls < 2:
            rolled = 0
        rolls = rolls or (held and 0 < rolled == len(lines))
        notes.dropped["lines that rolled on"] += rolled
        shown, until = [line.plain for line in lines], block.end
        if fresh := lines[rolled:]:
            yield _cue(block, fresh, notes)
        elif not lines:
            notes.dropped["cues without words"] += 1


def _rolled(shown: list[str], lines: list[_Line]) -> int:
    """How many of the first ``lines`` were the last ones ``shown``."""
    still = [line.plain for line in lines[:ROWS]]
    timed = next((index for index, line in enumerate(lines[:ROWS]) if line.times), ROWS)
    sizes = range(min(len(shown), len(still), timed), 0, -1)
    return next((size for size in sizes if shown[-size:] == still[:size]), 0)


def _cue(block: _Block, lines: list[_Line], notes: Notes) -> Cue:
    text = "\n".join(line.marked for line in lines)
    times = [time for line in lines for time in line.times]
    return Cue(block.start, block.end, tokens_of(text, times, notes.dropped))


def _line(text: str) -> _Line:
    """A line without tags and entities; tags that are times become marks."""
    if "{\\" in text:
        text = _OVERRIDE.sub("", text)
    if "<" not in text:
        marked = clean(_unescape(text))
        return _Line(marked, (), " ".join(marked.split()))
    times: list[float] = []
    parts = _TAG.split(text)  # text, tag, text, tag, ..., text
    for index, part in enumerate(parts):
        parts[index] = _tag(part, times) if index % 2 else clean(_unescape(part))
    marked = "".join(parts)
    return _Line(marked, tuple(times), " ".join(marked.replace(MARK, "").split()))


def _tag(tag: str, times: list[float]) -> str:
    """What stands for a tag: MARK for a time, which is put into ``times``; nothing for a style; "< 3 >" is text."""
    if time := _INLINE_TIME.fullmatch(tag):
        times.append(_seconds(*time.groups()))
        return MARK
    return "" if _TAG_NAME.match(tag) else clean(_unescape(f"<{tag}>"))


def _unescape(text: str) -> str:
    try:
        return html.unescape(text) if "&" in text else text
    except ValueError:  # a reference of more than 4,300 digits
        return text
