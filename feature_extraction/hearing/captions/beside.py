"""Which caption files lie beside a video."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from feature_extraction.hearing.captions.formats import SUFFIXES, is_language
from feature_extraction.hearing.languages import SPOKEN, short_language

ALONE, ORIGINAL, ENGLISH, ENGLISH_REGION, OTHER, TRANSLATED = range(6)
"""Ranks of the language in a name: none there, en-orig (what was said), en, en-US, de, en-de."""

_TRANSLATION = re.compile(r"[a-z]{2,3}-([a-z]{2,3})(?:-\w+)?")  # a region has capitals: en-CA


def captions_in(
    folder: Path, language: str | None = None, follow_links: bool = False
) -> dict[str, list[Path]]:
    """List the caption files in a folder by the video that they belong to, the best first.

    Those of NAME.mp4 are NAME.vtt and NAME.LANGUAGE.vtt, then .srt, .json3 and .json likewise.
    Within a format the name without a language comes first, then the original among YouTube's
    tracks (en-orig), then en, then en-US and the like, then others by the alphabet, and last
    YouTube's machine translations (en-de: from German).

    Args:
        folder: is listed once.
        language: names with another one are ignored.
        follow_links: whether links may lead out of the folder; if not, these are ignored.

    Returns:
        Paths by ``stem_key`` of the video.
    """
    found = defaultdict(list)
    wanted = short_language(language)
    with os.scandir(folder) as entries:
        for entry in entries:
            suffix = os.path.splitext(entry.name)[1].lower()
            allowed = follow_links or not _leaves(entry, folder)
            if suffix in SUFFIXES and entry.is_file() and allowed:
                for video, rank, tag in _videos_of(entry.name, wanted):
                    place = SUFFIXES.index(suffix)
                    found[stem_key(video)].append((place, rank, tag, entry.name))
    return {video: [folder / best[-1] for best in sorted(files)] for video, files in found.items()}


def stem_key(stem: str) -> str:
    """Return a name in one form of Unicode: macOS decomposes letters that others compose."""
    return unicodedata.normalize("NFC", stem)


def _leaves(entry: os.DirEntry[str], folder: Path) -> bool:
    return entry.is_symlink() and not Path(os.path.realpath(entry)).is_relative_to(
        os.path.realpath(folder)
    )


def _videos_of(name: str, language: str | None) -> Iterator[tuple[str, int, str]]:
    """Yield the videos that a file of that name may belong to, with the language's rank and tag."""
    stem = os.path.splitext(name)[0]
    yield stem, ALONE, ""
    video, _, tag = stem.rpartition(".")
    if video and is_language(tag) and language in (None, short_language(tag)):
        yield video, _rank(tag), tag.lower()


def _rank(tag: str) -> int:
    translation = _TRANSLATION.fullmatch(tag)
    if translation and translation[1] in SPOKEN:
        return TRANSLATED
    tag = tag.lower()
    if tag.endswith("-orig"):
        return ORIGINAL
    return ENGLISH if tag == "en" else ENGLISH_REGION if re.match(r"en[-_]", tag) else OTHER
