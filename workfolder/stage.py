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
from typing import TYPE_CHECKING, Any

from workfolder.errors import InputError
from workfolder.files import read_json, write_json

if TYPE_CHECKING:
    pass


OPTIONS_FILE = "options.json"

VERSIONS = "versions"
"""Key of options.json under which the packages stand that began a folder. Others may go on with it."""

STALE_SECONDS = 24 * 3600.0
"""After so long nobody is still writing a file."""


@dataclass(frozen=True)
class Stage:
    """A folder below the work folder that holds one Parquet file a video, and the options that made them."""

    folder: Path

    def path(self, video_id: str) -> Path:
        """Where this stage's rows of a video are."""
        return self.folder / f"{video_id}.parquet"

    def done(self) -> list[str]:
        """The ids of the videos whose file is there, sorted."""
        if not self.folder.is_dir():
            return []
        names = (entry.name for entry in os.scandir(self.folder))
        return sorted(
            name.removesuffix(".parquet")
            for name in names
            if name.endswith(".parquet") and name[0] != "."
        )

    def options(self) -> dict[str, Any]:
        """What made this folder; InputError where it has not been made."""
        return read_json(self.folder / OPTIONS_FILE)

    def sweep(self) -> None:
        """Take away what killed runs left half-written; what is young may be another run's that lives."""
        for part in self.folder.glob(".*.part"):
            with suppress(OSError):  # another run sweeps, too
                if part.is_file() and time.time() - part.stat().st_mtime > STALE_SECONDS:
                    part.unlink()

    def claim(self, options: Mapping[str, Any]) -> None:
        """Note what makes this folder; InputError, with the difference named, if something else already has.

        ``options`` must be what JSON can hold.
        """
        path = self.folder / OPTIONS_FILE
        if not path.exists():
            write_json(dict(options), path, first=True)
        refuse_other_options(self.folder, read_json(path), options)


def refuse_other_options(
    folder: Path,
    there: Mapping[str, Any],
    wanted: Mapping[str, Any],
    advice: str = "use those, or another folder",
) -> None:
    """Check that ``folder`` was made with the options that are wanted now, VERSIONS aside.

    Args:
        folder: named in the message.
        there: the options that made it.
        wanted: the options that are wanted now.
        advice: what the user can do about a difference.

    Raises:
        InputError: if they differ; the message names each difference.
    """
    there, plain = (
        _material(there),
        _material(json.loads(json.dumps(dict(wanted)))),
    )  # tuples become what the file can hold
    differing = [key for key in {**there, **plain} if there.get(key) != plain.get(key)]
    if differing:
        differences = ", ".join(
            f"{key} was {there.get(key)!r} and is now {plain.get(key)!r}" for key in differing
        )
        raise InputError(f"{folder} was made with other options: {differences}; {advice}")


def _material(options: Any) -> Any:
    """Options without their VERSIONS, and without those of the options in them."""
    if not isinstance(options, Mapping):
        return options
    return {key: _material(value) for key, value in options.items() if key != VERSIONS}


def versions(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
