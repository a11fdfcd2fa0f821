"""What a video is called.

The rule of the video id: the path below the folder that was given (the name alone where a file was
given), without its suffix, in Unicode form NFC, with every byte outside A-Z a-z 0-9 - _ . and a
leading dot percent-encoded. So ``course/soup 1.mp4`` below the folder becomes
``course%2Fsoup%201``. An id longer than 180 characters keeps its first 160, then a dash and 16
digits of its SHA-256. In a tar file, the path goes on with the key, see tars.py.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from urllib.parse import quote

LONGEST_ID = 180
PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", re.ASCII).fullmatch
"""Whether a name is an id already, as most are."""


def video_id(below: PurePath) -> str:
    """Return the id of the video at ``below``, a path relative to the folder that was given."""
    return id_of(below.as_posix().removesuffix(below.suffix))


def id_of(stem: str) -> str:
    """Return the id of the video at a path relative to the folder, without its suffix."""
    if len(stem) <= LONGEST_ID and PLAIN(stem):
        return stem
    name = unicodedata.normalize("NFC", stem)
    safe = quote(name, safe="", errors="surrogateescape").replace("~", "%7E")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if len(safe) <= LONGEST_ID:
        return safe
    return f"{safe[:160]}-{hashlib.sha256(safe.encode()).hexdigest()[:16]}"


def same_id(paths: Iterable[str | Path], names: Collection[str]) -> str:
    """Tell why files must not be read whose ids, ``names``, are the same but for their case."""
    but_for_case = " but for its case, which some disks ignore" if len(names) > 1 else ""
    files = " and ".join(sorted(map(str, paths)))
    return (
        f"{files} have the same video id {min(names)!r}{but_for_case}: rename one, "
        "or give the folder that holds both"
    )
