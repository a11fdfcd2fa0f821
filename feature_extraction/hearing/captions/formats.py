"""Caption files to timed words.

A file's structure is read strictly and its content with patience.

Refused, with an InputError that names the file and, where there is one, the line: a file that is
empty, of an unknown suffix, too large, in an unknown encoding, without the header of its format or
without any cue, and a cue whose times cannot be read (what follows such a cue may be anything).

Mended: times before 0 become 0, an end before its start becomes the start, cues in the wrong order
are put in order, overlapping cues have said their words when the next one begins, words without
times share the time between their neighbours.

Left out and counted in ``Captions.dropped``: lines without times, cues without words, lines that
rolled on, sounds and names of speakers, and what a recogniser doubts.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from feature_extraction.hearing.captions.cues import Cue, Notes
from feature_extraction.hearing.captions.encodings import encoding_of
from feature_extraction.hearing.captions.json_text import read_json
from feature_extraction.hearing.captions.srt_and_vtt import read_srt, read_vtt
from feature_extraction.hearing.captions.word_times import timed_words
from feature_extraction.hearing.hallucinations import LOOPS, without_loops
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.sources import VIDEO_SUFFIXES


@dataclass(frozen=True)
class Format:
    """A caption format.

    Attributes:
        read: yields the cues of a text file opened with newline="".
        largest: bytes of a file at most.
    """

    read: Callable[[TextIO, Notes], Iterator[Cue]]
    largest: int


LARGEST_TEXT = 256 * 2**20
"""Bytes of a format that is read line by line."""
LARGEST_JSON = 64 * 2**20
"""Bytes of JSON, which is held whole; about 50 hours of YouTube's, the most verbose."""
FORMATS: Mapping[str, Format] = {
    ".vtt": Format(read_vtt, LARGEST_TEXT),
    ".srt": Format(read_srt, LARGEST_TEXT),
    ".json3": Format(read_json, LARGEST_JSON),
    ".json": Format(read_json, LARGEST_JSON),
}
"""Every caption format by its suffix, in the order in which they are looked for.

A new one is a file that yields its cues, and a line here.
"""
SUFFIXES = tuple(FORMATS)
MOST_WORDS = 4_000_000
"""Words in one file: about 440 hours of speech at 150 words a minute, and about 1 GB of memory."""

_TAG = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE)


@dataclass(frozen=True)
class Captions:
    """The words of a caption file.

    Attributes:
        words: each spoken word once; 0 <= start <= end, and starts never decrease.
        language: a tag such as en or pt-BR, from the file or else from its name, if either says.
        dropped: how much was left out, by reason.
        assumed: the encoding that was assumed, where the file does not tell it.
    """

    words: tuple[Word, ...]
    language: str | None
    dropped: Mapping[str, int]
    assumed: str | None = None


def read_captions(path: Path, encoding: str | None = None) -> Captions:
    """Read a caption file, in time linear in its size.

    Of a .vtt or .srt, memory holds a cue at a time and the words.

    Args:
        path: of one of FORMATS.
        encoding: of a file that is not in Unicode; None guesses Windows-1252.

    Raises:
        InputError: as the module's docstring says.
    """
    notes = Notes(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise InputError(
            f"{path} is not in a caption format that is known: convert it to one of "
            f"{' '.join(SUFFIXES)}"
        )
    try:
        with path.open("rb") as file:
            _check_size(path, os.fstat(file.fileno()).st_size, format.largest)
            found, assumed = encoding_of(file, path, encoding)
            # newline="": the lines keep their ends, of which the formats know the odd ones.
            text = io.TextIOWrapper(file, encoding=found, errors="replace", newline="")
            return captions_of(format.read(text, notes), notes, assumed)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check its name and rights"
        ) from error


def captions_of(cues: Iterator[Cue], notes: Notes, assumed: str | None = None) -> Captions:
    """Make captions of cues; InputError if there are too many words."""
    words: list[Word] = []
    for word in timed_words(cues):
        words.append(word)
        if len(words) > MOST_WORDS:
            raise InputError(
                f"{notes.path} has more than {MOST_WORDS:,} words: are these captions? "
                "Split it if so"
            )
    words.sort(key=lambda word: word.start)
    kept = without_loops(words) if notes.heard else words
    notes.dropped[LOOPS] += len(words) - len(kept)
    return Captions(tuple(kept), _language(notes), dict(+notes.dropped), assumed)


def is_language(tag: str) -> bool:
    """Say whether a tag has the form of a language's."""
    return _TAG.fullmatch(tag) is not None and f".{tag.lower()}" not in VIDEO_SUFFIXES


def _language(notes: Notes) -> str | None:
    """Return the language that the file names, else the one in its name: part.one.vtt has none."""
    tag = notes.language or ""
    if not is_language(tag):
        tag = Path(notes.path.stem).suffix[1:]
        if not is_language(tag) or short_language(tag) not in SPOKEN:
            return None
    return tag.removesuffix("-orig")  # YouTube's tag of what was said, beside its translations


def _check_size(path: Path, size: int, largest: int) -> None:
    if not size:
        raise InputError(f"{path} is empty: get the captions again, or delete it")
    if size > largest:
        raise InputError(
            f"{path} has {size:,} bytes, more than {largest:,}: are these captions? Split it if so"
        )
