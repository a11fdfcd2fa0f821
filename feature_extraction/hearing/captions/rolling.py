"""Captions that roll up or grow on the screen: each word is read once, when it first appears.

YouTube's automatic captions show a line two or three times as it rolls up; captions of live
television roll with a gap between cues; other tools show a cue again with each new word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from feature_extraction.hearing.captions.cues import (
    EMPTY_CUES,
    REPEATED_LINES,
    Cue,
    Notes,
    tokens_of,
)
from feature_extraction.hearing.captions.markup import Line, joined, read_line
from feature_extraction.hearing.sentences import ends_sentence

ROWS = 4
"""How many lines can roll on from one cue to the next; YouTube shows two."""
HOLD = 0.1
"""Seconds: a shorter cue only holds a finished line; YouTube's last 0.01 s."""
STILL = 0.5
"""Seconds between two cues across which a line can still be the same line."""


@dataclass
class Block:
    """A cue as it stands in the file: seconds, and its lines with their tags."""

    start: float
    end: float
    lines: list[str] = field(default_factory=list)


def unroll(blocks: Iterator[Block], notes: Notes) -> Iterator[Cue]:
    """Yield the cues without what was already on the screen.

    Lines that were the last ones shown are the same lines still, and not the same words said
    again, if they have no inline times and two of these three hold:

    - they were on the screen until this cue begins;
    - a new line follows below them, or the cue only holds them;
    - lines roll in this file, which inline times show, or a line that was held.
    """
    shown: list[str] = []
    until, rolls = -1.0, False
    for block in blocks:
        lines = [line for line in map(read_line, block.lines) if line.text]
        rolls = rolls or any(line.times for line in lines)
        rolled = _rolled_lines(shown, lines)
        held = block.end - block.start <= HOLD
        stayed = block.start - until <= STILL
        if stayed + (held or rolled < len(lines)) + rolls < 2:
            rolled = 0
        rolls = rolls or (held and 0 < rolled == len(lines))
        notes.dropped[REPEATED_LINES] += rolled
        fresh = lines[rolled:]
        if stayed and not rolled and (grown := _grown_words(shown, lines)):
            notes.dropped[REPEATED_LINES] += 1
            fresh = [Line(" ".join(_words(lines)[grown:]), (), "")]
        shown, until = [line.text for line in lines], block.end
        if fresh:
            yield Cue(block.start, block.end, tokens_of(*joined(fresh), notes.dropped))
        elif not lines:
            notes.dropped[EMPTY_CUES] += 1


def _rolled_lines(shown: list[str], lines: list[Line]) -> int:
    """Count how many of the first ``lines`` were the last ones ``shown``."""
    still = [line.text for line in lines[:ROWS]]
    timed = next((index for index, line in enumerate(lines[:ROWS]) if line.times), ROWS)
    sizes = range(min(len(shown), len(still), timed), 0, -1)
    return next((size for size in sizes if shown[-size:] == still[:size]), 0)


def _grown_words(shown: list[str], lines: list[Line]) -> int:
    """Count the words that were shown already, where a cue goes on with more words after them.

    Not where they ended a sentence: then they are said again.
    """
    if not shown or ends_sentence(shown[-1].split()[-1], None) or any(line.times for line in lines):
        return 0
    words = _words(lines)
    for first in range(max(len(shown) - ROWS, 0), len(shown)):
        before = " ".join(shown[first:]).split()
        if len(before) < len(words) and words[: len(before)] == before:
            return len(before)
    return 0


def _words(lines: list[Line]) -> list[str]:
    return " ".join(line.text for line in lines).split()
