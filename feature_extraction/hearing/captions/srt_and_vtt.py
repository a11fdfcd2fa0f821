"""Captions that are lines of text: WebVTT and SubRip.

Both are read line by line, so memory holds a cue at a time. As in FFmpeg, a blank line does not
end a cue: what follows it belongs to the cue before, up to the next line of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from feature_extraction.hearing.captions.cues import LINES_WITHOUT_TIMES, Cue, Notes
from feature_extraction.hearing.captions.markup import CLOCK, clock_seconds
from feature_extraction.hearing.captions.rolling import Block, unroll

ARROW = "-->"
EXAMPLE = f"00:00:01.000 {ARROW} 00:00:02.000"

_TIMING = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(?:\s|$)")
_LIKE_A_TIME = re.compile(r"\s*-?[0-9]+:")
_HEADER = re.compile(r"WEBVTT(?:[ \t]|$)")
_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)\s*$|NOTE\s")
_LANGUAGE = re.compile(r"Language:\s*(\S+)")
_CLOCK_MAP = re.compile(rf"X-TIMESTAMP-MAP=.*LOCAL:{CLOCK}")

NumberedLines = Iterator[tuple[int, str]]


def read_vtt(file: TextIO, notes: Notes) -> Iterator[Cue]:
    """Yield the cues of a WebVTT file, each line once.

    Raises:
        InputError: if it has no header, no cue, or a time that cannot be read.
    """
    lines = numbered_lines(file)
    _, first = next(lines, (1, ""))
    if not _HEADER.match(first):
        reason = f"a .vtt file begins with WEBVTT, this one with {first[:40]!r}"
        notes.refuse(1, f"{reason}: give it its true suffix")
    yield from unroll(_Blocks(notes, vtt=True).read(lines), notes)


def read_srt(file: TextIO, notes: Notes) -> Iterator[Cue]:
    """Yield the cues of a SubRip file, each line once.

    Raises:
        InputError: if it has no cue, or a time that cannot be read.
    """
    yield from unroll(_Blocks(notes, vtt=False).read(numbered_lines(file)), notes)


def numbered_lines(file: TextIO) -> NumberedLines:
    """Yield the lines of a file opened with newline="", without their ends, numbered from 1.

    CR CR LF, which some tools write, is one end of a line.
    """
    number, torn = 0, False
    for line in file:
        if not (torn and line == "\r\n"):
            number += 1
            yield number, line.rstrip("\r\n")
        torn = line.endswith("\r")


class _Blocks:
    """The state of reading one file.

    Attributes:
        block: the cue that lines belong to.
        inside: whether its paragraph goes on: there was no blank line since its times.
        name: a line that is the next cue's name or number if times follow, with whether it
            belongs to the cue's paragraph if they do not.
        skipped: the regions that are not read: a header up to a cue, a comment up to a blank line.
        shift: seconds that the file's clock is ahead of the video's.
    """

    def __init__(self, notes: Notes, vtt: bool) -> None:
        self.notes, self.vtt = notes, vtt
        self.block: Block | None = None
        self.inside = False
        self.name: tuple[str, bool] | None = None
        self.skipped = "header" if vtt else ""
        self.shift = 0.0

    def read(self, lines: NumberedLines) -> Iterator[Block]:
        """Yield the cues as they stand; InputError if there is none."""
        number, found, blank = 1, False, False
        for number, line in lines:
            if not line:
                self._end_paragraph()
            elif self.skipped == "comment":
                pass
            elif ARROW in line and (not self.inside or _LIKE_A_TIME.match(line)):
                if self.block:
                    yield self.block
                self.block, self.inside, found = self._timed_block(number, line), True, True
                self.name, self.skipped = None, ""
            elif self.skipped:
                self._read_setting(line)
            else:
                self._read_text(line, blank)
            blank = not line
        if self.name and self.name[0].strip().isdecimal() and not self.name[1]:
            self.notes.dropped[LINES_WITHOUT_TIMES] += 1  # the number of a cue that was cut off
        else:
            self._keep_name()
        if self.block:
            yield self.block
        if not found:
            reason = f"the file ends here without a cue such as {EXAMPLE}"
            self.notes.refuse(number, f"{reason}: get it again")

    def _read_text(self, line: str, blank: bool) -> None:
        self._keep_name()
        if self.vtt and blank and _COMMENT.match(line):
            self.skipped = "comment"
        elif self.vtt and blank and _HEADER.match(line):  # a piece of a stream, joined to others
            self.skipped = "header"
        elif line.strip().isdecimal() or (self.vtt and not self.inside and blank):
            self.name = line, self.inside
        else:
            self._keep(line)

    def _end_paragraph(self) -> None:
        self.inside, self.skipped = False, ""
        if self.name and not self.name[0].strip().isdecimal():
            self._keep_name()

    def _keep_name(self) -> None:
        """Keep as text what was not a name, as no times follow it."""
        if self.name:
            self._keep(self.name[0])
        self.name = None

    def _keep(self, line: str) -> None:
        if self.block:
            self.block.lines.append(line)
        else:
            self.notes.dropped[LINES_WITHOUT_TIMES] += not line.isspace()

    def _read_setting(self, line: str) -> None:
        """Read a line of a header.

        X-TIMESTAMP-MAP says which time of the file is which of the stream that it was cut from. The
        stream's own start is the video's, so the file's time is all that is taken off.
        """
        if language := _LANGUAGE.match(line):
            self.notes.language = language[1]
        if local := _CLOCK_MAP.match(line):
            self.shift = clock_seconds(*local.groups())

    def _timed_block(self, number: int, line: str) -> Block:
        """Begin a cue; a start before 0 becomes 0, an end before its start becomes the start."""
        match = _TIMING.match(line)
        if not match:
            reason = f"{line[:60]!r} is not a time such as {EXAMPLE}"
            self.notes.refuse(number, f"{reason}: mend or delete this cue")
        parts = match.groups()
        start = max(clock_seconds(*parts[:5]) - self.shift, 0.0)
        return Block(start, max(clock_seconds(*parts[5:]) - self.shift, start))
