"""The folder of a stage: one Parquet file a video, and the options that made them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workfolder.errors import InputError
from workfolder.files import STALE_SECONDS, read_json, write_json
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
    as_json = json.loads(json.dumps(dict(wanted)))  # tuples become lists, as in the file
    old, new = _without_versions(there), _without_versions(as_json)
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if differing:
        differences = ", ".join(
            f"{key} was {old.get(key)!r} and is now {new.get(key)!r}" for key in differing
        )
        raise InputError(f"{folder} was made with other options: {differences}; {advice}")


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
