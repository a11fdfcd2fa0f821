"""The folder of a stage: one Parquet file a video, and the options that made them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Any

from workfolder.errors import InputError
from workfolder.files import STALE_SECONDS, cannot_write, read_json, write_json
from workfolder.paths import refuse_address

OPTIONS_FILE = "options.json"
OTHER_FOLDER = "use those, or another folder"

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

    def done(self) -> list[str]:
        """Return the ids of the videos whose file is there, sorted."""
        if not self.folder.is_dir():
            return []
        names = (entry.name for entry in os.scandir(self.folder))
        return sorted(
            name.removesuffix(".parquet")
            for name in names
            if name.endswith(".parquet") and name[0] != "."
        )

    def options(self) -> dict[str, Any]:
        """Return the options that made this folder.

        Raises:
            InputError: if it has not been made.
        """
        return read_json(self.folder / OPTIONS_FILE)

    def sweep(self) -> None:
        """Remove what killed runs left half-written. Another run may still write what is young."""
        for part in self.folder.glob(".*.part"):
            with suppress(OSError):  # another run sweeps too
                if part.is_file() and time.time() - part.stat().st_mtime > STALE_SECONDS:
                    part.unlink()

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
