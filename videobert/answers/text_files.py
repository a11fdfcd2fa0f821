"""Text files with an entry a line, and whose fault it is if an entry is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workfolder.errors import InputError


def read_lines(path: Path, what: str) -> list[str]:
    """Read the lines of a UTF-8 file that are not empty; a byte order mark is left out.

    Args:
        path: The file.
        what: What a line holds, for the message.

    Raises:
        InputError: if the file cannot be read as text, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a list of {what}s, one a line: {error}") from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise InputError(f"{path} is empty: write one {what} a line")
    return found


@contextmanager
def blame(path: Path) -> Iterator[None]:
    """Name the file in front of every InputError that is raised inside.

    Raises:
        InputError: if one is raised.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
