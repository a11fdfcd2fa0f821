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

from feature_extraction.hearing.captions.json_text import read_json_captions
from feature_extraction.hearing.captions.text import read_srt, read_vtt
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.hearing.timed_words import Cue, Notes, timed_words
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.sources import VIDEO_SUFFIXES

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
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check its name and rights"
        ) from error
    return Captions(words, _language(notes), dict(+notes.dropped))


def captions_in(folder: Path, language: str | None = None) -> dict[str, Path]:
    """The captions in a folder, by the stem NAME of the video that they are of.

    They are NAME.vtt, NAME.LANGUAGE.vtt, then .srt, .json3 and .json likewise. Within a format the name without a
    language comes first, then en, then en-US and the like, then by the alphabet. Passed over are links that lead out of
    the folder and, where ``language`` is given, names with another.
    """
    best: dict[str, tuple[int, int, str, str]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in SUFFIXES and entry.is_file() and not _leaves(entry, folder):
                for video, kind, tag in _videos_of(entry.name, short_language(language)):
                    rank = SUFFIXES.index(suffix), kind, tag, entry.name
                    best[video] = min(rank, best.get(video, rank))
    return {video: folder / rank[-1] for video, rank in best.items()}


def _leaves(entry: os.DirEntry[str], folder: Path) -> bool:
    return entry.is_symlink() and not Path(os.path.realpath(entry)).is_relative_to(
        os.path.realpath(folder)
    )


def _videos_of(name: str, language: str | None) -> Iterator[tuple[str, int, str]]:
    """The stems of the videos that a file of that name may belong to, each with the rank of its language, and that."""
    stem = os.path.splitext(name)[0]
    yield stem, 0, ""
    video, _, tag = stem.rpartition(".")
    tag = tag.lower()
    if video and _is_language(tag) and language in (None, short_language(tag)):
        yield video, 1 if tag == "en" else 2 if re.match(r"en[-_]", tag) else 3, tag


def _is_language(tag: str) -> bool:
    return _LANGUAGE.fullmatch(tag) is not None and f".{tag.lower()}" not in VIDEO_SUFFIXES


def _language(notes: Notes) -> str | None:
    """The language that the file names, else the one in its name, where anything may stand: part.one.vtt is in none."""
    if _is_language(notes.language or ""):
        return notes.language
    tag = Path(notes.path.stem).suffix[1:]
    return tag if _is_language(tag) and short_language(tag) in SPOKEN else None


def _refuse_size(path: Path, size: int) -> None:
    """InputError if a file of ``size`` bytes is empty, too large or of an unknown suffix."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path} is in no caption format that is known: convert it to one of {' '.join(SUFFIXES)}"
        )
    if not size:
        raise InputError(f"{path} is empty: get the captions again, or delete it")
    largest = LARGEST_JSON if suffix.startswith(".json") else LARGEST_TEXT
    if size > largest:
        raise InputError(
            f"{path} has {size:,} bytes, more than {largest:,}: are these captions? Split it if so"
        )


def _cues(file: BinaryIO, notes: Notes) -> Iterator[Cue]:
    text = io.TextIOWrapper(
        file, encoding=_encoding(file), errors="replace"
    )  # newline=None: CR, LF and CRLF
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
            raise InputError(
                f"{notes.path} has more than {MOST_WORDS:,} words: are these captions? Split it if so"
            )
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
