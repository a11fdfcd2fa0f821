"""Which videos, and what each is called.

The rule of the video id: the path below the folder that was given (the name alone where a file was given), without its
suffix, in Unicode form NFC, with every byte outside A-Z a-z 0-9 - _ . and a leading dot percent-encoded. So
``course/soup 1.mp4`` below the folder becomes ``course%2Fsoup%201``. An id longer than 180 characters keeps its first
160, then a dash and 16 digits of its SHA-256. Two videos with one id are refused, and so are ids that differ only in case.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from urllib.parse import quote

from workfolder.errors import InputError

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mkv .webm .mov .avi .flv .ts .mpg .mpeg .wmv .3gp .ogv".split()
)
LONGEST_ID = 180


@dataclass(frozen=True)
class Source:
    """A file that a stage reads for one video."""

    video_id: str
    path: Path
    refusal: str | None = None
    """Why it must not be opened, if it must not."""


def video_id(below: PurePath) -> str:
    """The id of the video at ``below``, a path relative to the folder that was given."""
    return _id_of(below.as_posix().removesuffix(below.suffix))


def _id_of(stem: str) -> str:
    name = unicodedata.normalize("NFC", stem)
    safe = quote(name, safe="", errors="surrogateescape").replace("~", "%7E")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if len(safe) <= LONGEST_ID:
        return safe
    return f"{safe[:160]}-{hashlib.sha256(safe.encode()).hexdigest()[:16]}"


def find_videos(paths: Iterable[Path]) -> list[Source]:
    """The videos that files, folders and text files of paths (one a line, ``#`` for comments) stand for, by id.

    A folder stands for the videos below it, by suffix. InputError if a path is absent, a folder holds no video,
    or two videos have one id, upper and lower case aside.
    """
    found: dict[str, Source] = {}
    try:
        for source in chain.from_iterable(map(_expand, paths)):
            name = source.video_id
            other = found.setdefault(name.casefold(), source)
            if other.video_id != name:
                raise twins(
                    other.path, source.path, f"{name!r} but for its case, which some disks ignore"
                )
            if other is not source and os.path.realpath(other.path) != os.path.realpath(
                source.path
            ):
                raise twins(other.path, source.path, repr(name))
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read ({error.strerror}): check its rights, or leave it out"
        ) from error
    if not found:
        raise InputError("no video was given: name a file, a folder, or a .txt file of paths")
    return sorted(found.values(), key=lambda source: source.video_id)


def twins(first: str | Path, second: str | Path, name: str) -> InputError:
    """What a user is told who gave two videos of one id, which is told by ``name``."""
    return InputError(
        f"{first} and {second} have the same video id {name}: rename one, or give the folder that holds both"
    )


def _expand(path: Path) -> Iterator[Source]:
    if os.path.isdir(path):
        yield from _videos_below(path)
    elif not os.path.exists(path):
        raise InputError(
            f"{path} does not exist: give a video, a folder of videos, or a .txt file of paths"
        )
    elif path.suffix.lower() == ".txt":
        for line in _lines(path):
            named = path.parent / line
            if named.suffix.lower() == ".txt" and not os.path.isdir(named):
                raise InputError(f"{path} names another list, {named}: name its videos instead")
            yield from _expand(named)
    else:
        yield Source(video_id(PurePath(path.name)), path)


def _lines(listing: Path) -> list[str]:
    try:
        lines = [line.strip() for line in listing.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{listing} is no text file of paths, one a line: {error}") from error
    return [line for line in lines if line and not line.startswith("#")]


def _videos_below(folder: Path) -> Iterator[Source]:
    """Links to folders are not followed; a link to a file elsewhere, or to nothing, is a video that will fail."""
    inside, below = os.path.realpath(folder), len(os.path.join(folder, ""))
    found = False
    for entry in _video_files(folder):
        found, path = True, Path(entry.path)
        leaves = entry.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside)
        refusal = (
            f"{path} is a link that leads out of {folder}: name the file itself, or leave it out"
            if leaves
            else None
        )
        yield Source(_id_of(entry.path[below:].rpartition(".")[0]), path, refusal)
    if not found:
        raise InputError(f"{folder} holds no video: looked for {' '.join(sorted(VIDEO_SUFFIXES))}")


def _video_files(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """By what the folder itself says of its entries: to ask the disk about each of 300,000 takes minutes where it is far."""
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.rpartition(".")
            if entry.is_dir(follow_symlinks=False):
                yield from _video_files(entry.path)
            elif stem and f".{suffix.lower()}" in VIDEO_SUFFIXES and _is_file(entry):
                yield entry


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or (
        entry.is_symlink() and not os.path.isdir(entry.path)
    )
