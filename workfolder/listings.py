"""Text files of paths, one a line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from workfolder.errors import InputError


def lines_of(listing: Path) -> Iterator[str]:
    """Yield the lines of a list that are not empty.

    Raises:
        InputError: if it is not text in UTF-8, or in UTF-16 with a byte order mark.
    """
    content = listing.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{listing} is not a text file of paths, one a line ({error}): save it as UTF-8"
        ) from error
    if "\0" in text:
        raise InputError(
            f"{listing} is not a text file of paths, one a line (it holds NUL bytes): save it as "
            "UTF-8"
        )
    return filter(None, map(str.strip, text.splitlines()))
