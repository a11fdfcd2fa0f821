"""Caption files to timed words.

A file's structure is read strictly and its content with patience.

Refused, with an InputError that names the file and, where there is one, the line: a file that is empty, of an unknown
suffix, too large, without the header of its format or without any cue, and a cue whose times cannot be read (one such
cue refuses the file: what follows it may be anything).

Mended: times before 0 become 0, an end before its start becomes the start, cues in the wrong order are put in order,
overlapping cues have said their words when the next one begins, words without times share the time between their
neighbours.

Left out and counted in ``Captions.dropped``: lines that no times belong to, cues without words, lines that rolled on,
and what is not spoken, such as [Music] or a speaker's dash.
"""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from feature_extraction.caption_json import read_json_captions
from feature_extraction.caption_text import read_srt, read_vtt
from feature_extraction.caption_words import Cue, Notes, timed_words
from feature_extraction.errors import InputError
from feature_extraction.languages import short_language
from feature_extraction.schema import Word
from feature_extraction.sources import VIDEO_SUFFIXES

SUFFIXES = (".vtt", ".srt", ".json3", ".json")
"""The formats, in the order in which they are looked for."""
LARGEST_TEXT = 256 * 2**20
"""Bytes of a .vtt or .srt; it is read line by line."""
LARGEST_JSON = 64 * 2**20
"""Bytes of a .json or .json3, which must be held whole; about 50 hours of YouTube's, the most verbose."""
MOST_WORDS = 4_000_000
"""Words in one file: about 440 hours of speech at 150 words a minute, and about 1 GB of memory."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE)
_BYTE_ORDER_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Captions:
    """The words of a caption file.

    Attributes:
        words: each spoken word once; 0 <= start <= end, and starts never decrease.
        language: a tag such as en or pt-BR, from the file or else from its name; None if neither says.
        dropped: how much was left out, by reason.
    """

    words: tuple[Word, ...]
    language: str | None
    dropped: Mapping[str, int]


def read_captions(path: Path) -> Captions:
    """Read a .vtt, .srt, .json3 or .json file of captions; InputError as the module's docstring says.

    Takes time linear in the size of the file. Of a .vtt or .srt, memory holds a cue at a time and the words.
    """
    notes = Notes(path)
    try:
        with path.open("rb") as file:
            _refuse_size(path, os.fstat(file.fileno()).st_size)
            words = _words(_cues(file, notes), notes)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check its name and rights") from error
    dropped = {reason: count for reason, count in notes.dropped.items() if count}
    return Captions(words, _language(notes), dropped)


def find_captions(video: Path, language: str | None = None) -> Path | None:
    """The captions beside a video: NAME.vtt, NAME.LANGUAGE.vtt, then .srt, .json3 and .json likewise; None if none is.

    Within a format the name without a language comes first, then en, then en-US and the like, then by the alphabet.
    Where ``language`` is given, names with another are passed over.
    """
    for suffix in (".vtt", ".en.vtt") if language is None else ():  # these need no list of a folder of 100,000 videos
        if (path := video.with_name(video.stem + suffix)).is_file():
            return path
    ranked = []
    with os.scandir(video.parent) as entries:
        for entry in entries:
            rank = _rank(entry.name, video, short_language(language))
            if rank is not None and entry.is_file():
                ranked.append((rank, entry.name))
    return video.with_name(min(ranked)[1]) if ranked else None


def _rank(name: str, video: Path, language: str | None) -> tuple[int, int, str] | None:
    """Where a file of that name stands among the captions of ``video``; None if it is none of them."""
    stem, suffix = os.path.splitext(name)
    if suffix.lower() not in SUFFIXES or not stem.startswith(video.stem):
        return None
    tag = stem[len(video.stem) :].lower()
    if tag and not (tag.startswith(".") and _is_language(tag[1:])):
        return None
    if tag and language and short_language(tag[1:]) != language:
        return None
    kind = 0 if not tag else 1 if tag == ".en" else 2 if re.match(r"\.en[-_]", tag) else 3
    return SUFFIXES.index(suffix.lower()), kind, tag


def _is_language(tag: str) -> bool:
    return _LANGUAGE.fullmatch(tag) is not None and f".{tag.lower()}" not in VIDEO_SUFFIXES


def _language(notes: Notes) -> str | None:
    """The language that the file names, else the one in its name."""
    tags = (notes.language or "", Path(notes.path.stem).suffix[1:])
    return next((tag for tag in tags if _is_language(tag)), None)


def _refuse_size(path: Path, size: int) -> None:
    """InputError if a file of ``size`` bytes is empty, too large or of an unknown suffix."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is in no caption format that is known: convert it to one of {' '.join(SUFFIXES)}")
    if not size:
        raise InputError(f"{path} is empty: get the captions again, or delete it")
    largest = LARGEST_JSON if suffix.startswith(".json") else LARGEST_TEXT
    if size > largest:
        raise InputError(f"{path} has {size:,} bytes, more than {largest:,}: are these captions? Split it if so")


def _cues(file: BinaryIO, notes: Notes) -> Iterator[Cue]:
    text = io.TextIOWrapper(file, encoding=_encoding(file), errors="replace")  # newline=None: CR, LF and CRLF
    suffix = notes.path.suffix.lower()
    if suffix.startswith(".json"):
        return read_json_captions(text.read(), notes)
    reader: Callable[..., Iterator[Cue]] = read_vtt if suffix == ".vtt" else read_srt
    return reader(_numbered(text), notes)


def _numbered(file: TextIO) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, start=1):
        yield number, line.removesuffix("\n")


def _words(cues: Iterator[Cue], notes: Notes) -> tuple[Word, ...]:
    words: list[Word] = []
    for word in timed_words(cues):
        words.append(word)
        if len(words) > MOST_WORDS:
            raise InputError(f"{notes.path} has more than {MOST_WORDS:,} words: are these captions? Split it if so")
    words.sort(key=lambda word: word.start)
    return tuple(words)


def _encoding(file: BinaryIO) -> str:
    """The encoding that the byte-order mark names, else UTF-8 if every byte fits it, else Windows-1252."""
    head = file.read(4)
    file.seek(0)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(2**20):
            decoder.decode(block)  # a character cut off at the very end is let pass
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8"
