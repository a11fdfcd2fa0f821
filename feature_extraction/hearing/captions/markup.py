"""A line of a caption as people read it: without tags, entities and override codes."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

from feature_extraction.hearing.spoken import MARK, clean

CLOCK = r"(-?)(?:([0-9]{1,6}):)?([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?"
"""A time such as 00:00:01.000; some tools write 60 seconds, or four digits of them."""

_INLINE_TIME = re.compile(CLOCK)
_TAG = re.compile(r"<([^<>]*)>")  # neither < nor > within: linear time for a line of brackets
_TAG_NAME = re.compile(r"/|[a-zA-Z.]|$")
_BREAK = re.compile(r"/?(?:br|p|div|rt|rp|rb|ruby)\b", re.IGNORECASE)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")  # {\an8} in SubRip and ASS
_ASS_SPACE = re.compile(r"\\[Nnh]")  # ASS's line breaks and hard spaces, left by converters


class Line(NamedTuple):
    """A line of a cue.

    Attributes:
        marked: its text with a MARK for each inline time.
        times: the inline times, in seconds.
        text: the same without MARKs and spare spaces.
    """

    marked: str
    times: tuple[float, ...]
    text: str


def read_line(text: str) -> Line:
    """Remove tags and entities from a line; tags that are times become MARKs."""
    if "\\" in text:
        text = _ASS_SPACE.sub(" ", _OVERRIDE.sub("", text))
    if "<" not in text:
        marked = clean(_unescape(text))
        return Line(marked, (), " ".join(marked.split()))
    times: list[float] = []
    parts = _TAG.split(text)  # text, tag, text, tag, ..., text
    for index, part in enumerate(parts):
        parts[index] = _read_tag(part, times) if index % 2 else clean(_unescape(part))
    marked = "".join(parts)
    return Line(marked, tuple(times), " ".join(marked.replace(MARK, "").split()))


def clock_seconds(
    sign: str, hours: str | None, minutes: str, seconds: str, fraction: str | None
) -> float:
    """Convert the groups of CLOCK to seconds; 60 seconds are a minute."""
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    digits = (fraction or "0").ljust(3, "0")
    value = (whole * 10 ** len(digits) + int(digits)) / 10 ** len(digits)
    return -value if sign else value


def _read_tag(tag: str, times: list[float]) -> str:
    """Replace a tag: a time by a MARK, a break by a space, a style by nothing; "< 3 >" is text.

    Args:
        tag: what stands between the brackets.
        times: is added to.
    """
    if time := _INLINE_TIME.fullmatch(tag):
        times.append(clock_seconds(*time.groups()))
        return MARK
    if _BREAK.match(tag):
        return " "
    return "" if _TAG_NAME.match(tag) else clean(_unescape(f"<{tag}>"))


def joined(lines: Sequence[Line]) -> tuple[str, list[float]]:
    """Return the marked text of lines, and the times of its MARKs."""
    return "\n".join(line.marked for line in lines), [time for line in lines for time in line.times]


def _unescape(text: str) -> str:
    try:
        return html.unescape(text) if "&" in text else text
    except ValueError:  # a reference of more than 4,300 digits
        return text
