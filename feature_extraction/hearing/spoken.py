"""Which part of a text is spoken.

Sounds ([Music], (laughs), a sung line), names of speakers and bare marks are not.
"""

from __future__ import annotations

import re

MARK = "\0"
"""Stands in a text wherever the next inline time applies; cleaned text never holds it otherwise."""

_SOUND = re.compile(r"\[[^\[\]]*\]")  # the inner class has no bracket: linear time for any text
_LINE_START = re.compile(
    rf"^(?P<marks>[^\S\n]*(?:[-–—>{MARK}][^\S\n]*)*)"
    r"(?P<before>(?:\([^()]*\)\s*)*)"
    r"(?P<label>[^\W\d_][\w.'&# -]{0,24}:(?=\s))?"
    r"(?P<after>(?:[^\S\n]*\([^()]*\))*)",
    re.MULTILINE,
)
_LABEL_SHOWS = 200
"""Characters after a label that tell whether everything here is in capitals."""
_NEVER_SAID = re.compile(r"[^\w&%+$€£¥°@=]+|_+")  # a dash before a speaker, >>, notes of music
_INVISIBLE = re.compile("[\0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can hold half a character; no file can


def clean(text: str) -> str:
    """Remove characters that have no width, halves of characters, and MARK."""
    if text.isascii() and MARK not in text:
        return text
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))


def is_spoken(text: str) -> bool:
    """Say whether a text holds a spoken word."""
    return any(map(is_word, without_sounds(text).split()))


def is_word(chunk: str) -> bool:
    """Say whether a chunk without spaces is a word, and not a bare mark or a sound."""
    if chunk.isalpha():
        return True
    return not (_NEVER_SAID.fullmatch(chunk) or _SOUND.fullmatch(chunk) or not chunk)


def is_sound(text: str) -> bool:
    """Say whether a whole phrase is a sound or sung: (upbeat music), *sigh*, ♪ la la ♪."""
    core = text.strip(" .!\n")
    if core[:1] in ("(", "["):
        return core.find(")" if core[0] == "(" else "]") == len(core) - 1
    return core[:1] in ("*", "♪", "♫") and core[-1] in "*♪♫"


def without_sounds(text: str) -> str:
    """Remove what captions for the deaf add to speech; each MARK stays.

    That is whatever stands in square brackets, whatever stands in round brackets at the start of
    a line, and the name of a speaker there: a label in capitals, unless all is in capitals.
    """
    if is_sound(text.replace(MARK, "")):
        return _only_marks(text)
    if "[" in text:
        text = _SOUND.sub(lambda sound: f" {_only_marks(sound[0])} ", text)
    return _LINE_START.sub(_spoken_start, text) if "(" in text or ":" in text else text


def _spoken_start(start: re.Match[str]) -> str:
    """Replace the start of a line by the marks in it, and by its label where that is spoken."""
    label = start["label"] or ""
    following = start.string[start.end() : start.end() + _LABEL_SHOWS]
    shouted = following.isupper() and ">" not in start["marks"]
    named = label.isupper() and not shouted
    kept = _only_marks(label) if named else label
    # A line break stays a line break: the next line has a start of its own.
    return f"{start['marks']}{_only_marks(start['before'])}{kept}{_only_marks(start['after'])} "


def _only_marks(text: str) -> str:
    return MARK * text.count(MARK)
