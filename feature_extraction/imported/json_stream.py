"""A large JSON file, member by member: memory holds one member of the outermost list or object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from workfolder.errors import InputError

CHUNK = 2**20
"""Characters that are read at once. They double while a member does not fit."""
LARGEST = 2**28
"""Characters of a member at most."""
_SPACE = " \t\n\r"
_CLOSING = {"[": "]", "{": "}"}


def json_members(path: Path) -> Iterator[tuple[str | None, Any]]:
    """Yield the members of the outermost list or object of a JSON file.

    Yields:
        The key of each, None in a list, and its value.

    Raises:
        InputError: if the file is not JSON in UTF-8, or is neither a list nor an object.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Members(path, file).read()
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}): get it again") from error


class _Members:
    """Text that is being read, and where the reader is in it."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file = path, file
        self._text, self._place, self._passed = "", 0, 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def read(self) -> Iterator[tuple[str | None, Any]]:
        opening = self._next()
        if opening not in _CLOSING:
            self._refuse("it is neither a list nor an object")
        closing, first = _CLOSING[opening], True
        self._place += 1
        while True:
            found = self._next()
            if found == closing and first:
                return
            key = None
            if closing == "}":
                key = self._value()
                if not isinstance(key, str) or self._next() != ":":
                    self._refuse("a key and a colon are missing")
                self._place += 1
                self._next()
            yield key, self._value()
            first, found = False, self._next()
            self._place += 1
            if found == closing:
                return
            if found != ",":
                self._refuse("a comma is missing" if found else "it ends too early")

    def _value(self) -> Any:
        """Read a value. A number may go on where the text that was read ends."""
        size = CHUNK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
                if end < len(self._text) or self._ended:
                    self._place = end
                    return value
            except (ValueError, IndexError) as error:
                if self._ended or len(self._text) - self._place > LARGEST:
                    self._refuse(getattr(error, "msg", str(error)))
            self._more(size)
            size *= 2

    def _next(self) -> str:
        """Pass over space; return the next character, empty at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._text):
                return self._text[self._place]
            if self._ended:
                return ""
            self._more(CHUNK)

    def _more(self, size: int) -> None:
        """Read more text, and forget what is passed."""
        self._passed += self._place
        read = self._file.read(size)
        self._text, self._place = self._text[self._place :] + read, 0
        self._ended = not read

    def _refuse(self, reason: str) -> NoReturn:
        raise InputError(
            f"{self._path}, character {self._passed + self._place + 1:,}: this is not JSON "
            f"({reason}): get the file again"
        )
