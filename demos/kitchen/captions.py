"""Timed words in the form of YouTube's automatic captions (WebVTT).

Two lines roll: a cue shows the previous line, plain, above the new one, whose words after the first
carry their times. A cue of ten milliseconds then shows the new line alone, plain. So every line
stands in the file three times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from demos.kitchen.narration import Sentence, SpokenWord

HEADER = "WEBVTT\nKind: captions\nLanguage: en\n"
SETTINGS = "align:start position:0%"
LINE_LENGTH = 38  # characters
HOLD = 0.01  # seconds that a finished line stands alone
STAYS = 2.0  # seconds of silence after which a line is gone from the screen

Line = Sequence[SpokenWord]


def write_captions(sentences: Sequence[Sentence], path: Path) -> None:
    """Write a .vtt file, under a temporary name first."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(render(sentences), encoding="utf-8")
    partial.replace(path)


def render(sentences: Sequence[Sentence]) -> str:
    """The text of the .vtt file."""
    lines = [line for sentence in sentences for line in _lines(sentence.words)]
    cues, above = [], " "
    for number, line in enumerate(lines):
        following = lines[number + 1][0].start if number + 1 < len(lines) else float("inf")
        end = min(line[-1].end, following - HOLD)
        plain = " ".join(word.text for word in line)
        cues.append(_cue(line[0].start, end, above, _timed(line)))
        cues.append(_cue(end, end + HOLD, plain, " "))
        above = plain if following - end < STAYS else " "
    return "\n".join([HEADER, *cues])


def _lines(words: Line) -> Iterator[Line]:
    """A sentence in lines of at most LINE_LENGTH characters."""
    line: list[SpokenWord] = []
    for word in words:
        if line and sum(len(w.text) + 1 for w in line) + len(word.text) > LINE_LENGTH:
            yield line
            line = []
        line.append(word)
    yield line


def _timed(line: Line) -> str:
    rest = (f"<{timestamp(word.start)}><c> {word.text}</c>" for word in line[1:])
    return line[0].text + "".join(rest)


def _cue(start: float, end: float, upper: str, lower: str) -> str:
    return f"{timestamp(start)} --> {timestamp(end)} {SETTINGS}\n{upper}\n{lower}\n"


def timestamp(seconds: float) -> str:
    """As hours:minutes:seconds.milliseconds, the way WebVTT has it."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
