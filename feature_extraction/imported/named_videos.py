"""Which video of a work folder a name in a table means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote

from workfolder.errors import InputError
from workfolder.sources import named_id

YOUTUBE_ID = 11
"""Characters of a YouTube id."""


class NamedVideos:
    """The videos of a folder by the names that tables may have for them.

    A name means the video of that id; else the one whose file has that name, in whatever folder;
    else the one whose file's name ends in that YouTube id, with or without a bracket after it.
    """

    def __init__(self, known: Iterable[str] | None) -> None:
        """Take the ids of the videos; None takes every name for a video."""
        self._known = None if known is None else frozenset(known)
        self._named: dict[str, list[str]] = defaultdict(list)
        for video in sorted(self._known or ()):
            file = PurePosixPath(unquote(video)).name
            youtube = file.removesuffix("]")[-YOUTUBE_ID:]
            for name in {file, youtube}:
                self._named[name].append(video)

    def find(self, name: str) -> str | None:
        """Return the id of the video that a name means; None if there is none.

        Raises:
            InputError: if several videos have that name.
        """
        found = self.find_id(named_id(name))
        if found is not None:
            return found
        named = self._named.get(PurePosixPath(name).name, [])
        if len(named) > 1:
            raise InputError(
                f"the name {name} means several videos, {' and '.join(named[:3])}: leave out all "
                "but one"
            )
        return named[0] if named else None

    def find_id(self, video: str) -> str | None:
        """Return the id of a video if it is there."""
        return video if self._known is None or video in self._known else None
