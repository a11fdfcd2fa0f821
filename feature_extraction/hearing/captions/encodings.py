"""In which encoding a caption file is."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import BinaryIO

from workfolder.errors import InputError

GUESS = "cp1252"
"""Taken for a file that is not in Unicode: Windows' for the languages of Western Europe."""
MOST_SIDE_BY_SIDE, FEW = 0.3, 4
"""In languages that GUESS can write, a letter with an accent hardly ever follows another: of the
bytes beyond ASCII no larger share follows one, unless they are few. In others most do."""

_BEYOND_ASCII = re.compile(rb"[\x80-\x9f\xa1-\xff]")  # \xa0 is a space in GUESS
_PAIR = re.compile(rb"(?<=[\x80-\x9f\xa1-\xff])[\x80-\x9f\xa1-\xff]")
_BYTE_ORDER_MARKS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(file: BinaryIO, path: Path, given: str | None) -> tuple[str, str | None]:
    """Find the encoding of a file, which is at its start before and after.

    It is the one that the byte-order mark names, else UTF-8 if every byte fits it, else the given
    one, else GUESS.

    Returns:
        The encoding, and the same if it is only guessed, else None.

    Raises:
        InputError: if it cannot be guessed.
    """
    head = file.read(4)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            file.seek(0)
            return encoding, None
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        file.seek(0)
        while block := file.read(2**20):
            decoder.decode(block)  # a character that is cut off at the very end passes
    except UnicodeDecodeError:
        if given is None:
            _refuse_other_alphabet(file, path)
        return (given, None) if given else (GUESS, GUESS)
    finally:
        file.seek(0)
    return "utf-8", None


def check_encoding(name: str) -> None:
    """Raise InputError if there is no such encoding of text."""
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise InputError(
            f"--encoding {name!r} is not known: give one such as cp1251, gb18030 or shift_jis"
        ) from error


def _refuse_other_alphabet(file: BinaryIO, path: Path) -> None:
    """Raise InputError if the letters are not those of a language that GUESS can write."""
    file.seek(0)
    head = file.read(2**20)
    beyond, pairs = len(_BEYOND_ASCII.findall(head)), len(_PAIR.findall(head))
    if pairs > max(MOST_SIDE_BY_SIDE * beyond, FEW):
        raise InputError(
            f"{path} is neither in Unicode nor in a language of Western Europe: say its encoding, "
            "such as --encoding cp1251 (Russian) or gb18030 (Chinese), or convert it to UTF-8"
        )
