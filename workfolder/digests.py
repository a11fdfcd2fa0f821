"""The digests of a folder's weights, by which a flipped bit is found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from workfolder.errors import InputError
from workfolder.files import read_json, write_json

DIGESTS_FILE = "digests.json"


def write_digests(folder: Path) -> None:
    """Write the SHA-256 of each .safetensors file of a folder beside it, by file name."""
    write_json(_digests(folder), folder / DIGESTS_FILE)


def check_digests(folder: Path, advice: str) -> None:
    """Compare the .safetensors files of a folder with its digests, if it has any.

    Args:
        folder: a model's or a head's folder.
        advice: what a user can do about a damaged file.

    Raises:
        InputError: if a file is missing, is not as it was written, or was put there later.
    """
    if not (folder / DIGESTS_FILE).exists():
        return
    noted, there = read_json(folder / DIGESTS_FILE), _digests(folder)
    differing = sorted(name for name in {**noted, **there} if noted.get(name) != there.get(name))
    if differing:
        raise InputError(f"{folder / differing[0]} is not as it was written: {advice}")


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
