"""The folder of a stage: one Parquet file a video, and the options that made them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Any

from workfolder.errors import InputError
from workfolder.files import STALE_SECONDS, cannot_write, read_json, write_json
from workfolder.packs import Packs, forget
from workfolder.paths import refuse_address

OPTIONS_FILE = "options.json"
VERSIONS = "versions"
"""Key in options.json of the packages that began a folder. Other versions may go on with it."""

OTHER_FOLDER = "use those, or another folder"
"""The usual advice where a folder was made with other options."""


@dataclass(frozen=True)
class Stage:
    """A folder below the work folder: one Parquet file a video, and the options that made them."""

    folder: Path

    def __post_init__(self) -> None:
        """Refuse an address, see refuse_address."""
        refuse_address(self.folder)

    def path(self, video_id: str) -> Path:
        """Return the path of a video's rows."""
        return self.folder / f"{video_id}.parquet"

    def has(self, video_id: str) -> bool:
        """Whether the rows of a video are there, in a file or in a shard."""
        return self.path(video_id).exists() or video_id in Packs.of(self.folder).places

    def loose(self) -> list[str]:
        """Return the ids of the videos that have a file of their own, sorted."""
        if not self.folder.is_dir():
            return []
        names = (entry.name for entry in os.scandir(self.folder))
        return sorted(
            name.removesuffix(".parquet")
            for name in names
            if name.endswith(".parquet") and name[0] != "."
        )

    def done(self) -> list[str]:
        """Return the ids of the videos whose rows are there, sorted."""
        loose = self.loose()  # first: what is packed meanwhile is then found in the shards
        places = Packs.of(self.folder).places
        return sorted(places.keys() | loose) if places else loose

    def written(self) -> dict[str, int]:
        """Return when the rows of each video were written, in ns; 100,000 take half a second."""
        found: dict[str, int] = {}
        for entry in os.scandir(self.folder) if self.folder.is_dir() else ():
            if entry.name.endswith(".parquet") and entry.name[0] != ".":
                with suppress(FileNotFoundError):  # another run has deleted or packed it
                    found[entry.name.removesuffix(".parquet")] = entry.stat().st_mtime_ns
        return {**dict(Packs.of(self.folder).written()), **found}

    def remove(self, videos: Iterable[str]) -> None:
        """Remove the rows of videos, be they in a file or in a shard.

        Raises:
            InputError: if they cannot be removed.
        """
        videos = list(videos)
        forget(self.folder, videos)
        for path in map(self.path, videos):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error

    def options(self) -> dict[str, Any]:
        """Return the options that made this folder.

        Raises:
            InputError: if it has not been made.
        """
        return read_json(self.folder / OPTIONS_FILE)

    def sweep(self) -> None:
        """Remove what killed runs left half-written. Another run may still write what is young."""
        if not self.folder.is_dir():
            return
        with os.scandir(self.folder) as entries:  # a glob takes ten times as long
            parts = [e for e in entries if e.name[0] == "." and e.name.endswith(".part")]
        for part in parts:
            with suppress(OSError):  # another run sweeps too
                if part.is_file() and time.time() - part.stat().st_mtime > STALE_SECONDS:
                    os.unlink(part)

    def claim(self, options: Mapping[str, Any], advice: str = OTHER_FOLDER) -> None:
        """Note the options that make this folder.

        Args:
            options: what JSON can hold.
            advice: what the user can do about a difference.

        Raises:
            InputError: if other options made it; the message names the difference.
        """
        path = self.folder / OPTIONS_FILE
        if not path.exists():
            write_json(dict(options), path, first=True)
        refuse_other_options(self.folder, read_json(path), options, advice)

    def is_of_other_options(self, options: Mapping[str, Any]) -> bool:
        """Tell whether other options made this folder."""
        return (self.folder / OPTIONS_FILE).exists() and bool(_differing(self.options(), options))

    def put_aside(self) -> None:
        """Rename this folder: nothing that was made is lost.

        Raises:
            InputError: if it cannot be renamed.
        """
        numbered = (self.folder.with_name(f"{self.folder.name}.{number}") for number in count(1))
        aside = next(path for path in numbered if not path.exists())
        try:
            self.folder.rename(aside)
        except OSError as error:
            raise cannot_write(aside, error) from error

    def identity(self) -> int | None:
        """Return a number that changes when this folder is put aside; None before it is made."""
        try:
            return (self.folder / OPTIONS_FILE).stat().st_ino
        except OSError:
            return None


def refuse_other_options(
    folder: Path,
    there: Mapping[str, Any],
    wanted: Mapping[str, Any],
    advice: str = OTHER_FOLDER,
) -> None:
    """Refuse options that differ from those that made a folder, VERSIONS aside.

    Args:
        folder: named in the message.
        there: the options that made it.
        wanted: the options that are wanted now.
        advice: what the user can do about a difference.

    Raises:
        InputError: if they differ; the message names each difference.
    """
    if differences := ", ".join(_differing(there, wanted)):
        raise InputError(f"{folder} was made with other options: {differences}; {advice}")


def _differing(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Tell each difference between two sets of options, VERSIONS aside."""
    as_json = json.loads(json.dumps(dict(wanted)))  # tuples become lists, as in the file
    old, new = _without_versions(there), _without_versions(as_json)
    return [
        f"{key} was {old.get(key)!r} and is now {new.get(key)!r}"
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    ]


def _without_versions(options: Any) -> Any:
    """Return options without their VERSIONS, at any depth."""
    if not isinstance(options, Mapping):
        return options
    return {key: _without_versions(value) for key, value in options.items() if key != VERSIONS}


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
