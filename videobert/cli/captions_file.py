"""Answers as captions that a player shows: WebVTT (W3C) and SubRip."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from workfolder.files import write_whole

Cue = tuple[float, float, str]
"""Start and end in seconds, and what is shown."""


def write_captions(cues: Sequence[Cue], path: Path) -> None:
    """Write captions, whole or not at all; the suffix, .vtt or .srt, says in which form.

    Raises:
        InputError: if the file cannot be written.
    """
    made = _vtt(cues) if path.suffix == ".vtt" else _srt(cues)
    with write_whole(path) as part:
        part.write_text(made, encoding="utf-8")


def _vtt(cues: Sequence[Cue]) -> str:
    lines = ["WEBVTT\n"]
    lines += [
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{escape(_line(text), quote=False)}\n"
        for start, end, text in cues
    ]
    return "\n".join(lines)


def _srt(cues: Sequence[Cue]) -> str:
    return "\n".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{_line(text)}\n"
        for number, (start, end, text) in enumerate(cues, 1)
    )


def _line(text: str) -> str:
    """Put a text on one line: an empty one would end its cue."""
    return " ".join(text.split())


def _clock(seconds: float, point: str) -> str:
    """Spell a time as 00:01:02.500."""
    thousandths = round(1000 * seconds)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
