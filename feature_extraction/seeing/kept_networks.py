"""Networks that were exported for OpenVINO once, kept beside torch's cache.

Exporting S3D takes five to nine seconds. Reading what was exported takes a fifth of one, and torch
is not needed for it.

    <torch's cache>/hub/videobert/<key>/network.xml     the graph, as OpenVINO writes it
                                       /network.bin     its weights, in float32
                                       /about.json      what it was made of, and the files' digests

The key is a digest of everything that decides what a network computes: the weights, the code that
builds it, the pixels it wants and the versions of the packages. A folder is whole or absent. A file
that is not as it was written is made again. The least recently used networks go when all together
take more than MOST_BYTES.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feature_extraction.seeing.backbones.backbone import Backbone, PublishedBackbone
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json
from workfolder.stage import versions

NETWORK, WEIGHTS, ABOUT = "network.xml", "network.bin", "about.json"
MOST_BYTES = 512 * 2**20
"""S3D takes 32 MB, the largest of PyTorchVideo's networks 250 MB."""
PACKAGES = ("openvino", "pytorchvideo", "torch", "torchvision")
"""Another version of one of these may export another network."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptNetwork:
    """A network that was exported before.

    Attributes:
        path: the graph, which OpenVINO reads; the weights lie beside it.
        weights_digest: the digest of the backbone's weights, see Backbone.
    """

    path: Path
    weights_digest: str


@dataclass(frozen=True)
class NetworkCache:
    """The kept networks of a folder."""

    folder: Path

    def find(self, backbone: Backbone, clip_frames: int) -> KeptNetwork | None:
        """Return what was kept of a backbone; None if nothing was, or it is damaged.

        Args:
            backbone: what the network was made of.
            clip_frames: how many frames a clip has.
        """
        made_of = _made_of(backbone, clip_frames)
        folder = self.folder / _key(made_of)
        if made_of is None or not folder.is_dir():
            return None
        try:
            about = read_json(folder / ABOUT)
            whole = about["made_of"] == made_of and about["files"] == _digests(folder)
        except (InputError, OSError, KeyError, TypeError):
            whole = False
        if not whole:
            logger.warning("%s is not as it was written: it is made again", folder)
            shutil.rmtree(folder, ignore_errors=True)
            return None
        with suppress(OSError):  # a cache that others own may still be read
            os.utime(folder / ABOUT)
        return KeptNetwork(folder / NETWORK, about["weights_digest"])

    def keep(self, backbone: Backbone, clip_frames: int, save: Callable[[Path], None]) -> None:
        """Keep the network of a backbone; log where that cannot be done.

        Args:
            backbone: what the network was made of.
            clip_frames: how many frames a clip has.
            save: writes the graph to a path that ends in .xml, and the weights beside it.
        """
        made_of = _made_of(backbone, clip_frames)
        if made_of is None:
            return
        folder = self.folder / _key(made_of)
        about = {"made_of": made_of, "weights_digest": backbone.digest}
        try:
            with write_folder(folder) as part:
                save(part / NETWORK)
                write_json({**about, "files": _digests(part)}, part / ABOUT)
        except InputError as error:  # read-only, full, or another process was faster
            logger.info("the exported network is not kept: %s", error)
        self._make_room(folder)

    def _make_room(self, newest: Path) -> None:
        """Remove the least recently used networks until the rest fits."""
        with suppress(OSError):  # another process removes them, too
            used = sorted(self.folder.glob(f"*/{ABOUT}"), key=lambda path: path.stat().st_mtime)
            sizes = {path.parent: _size(path.parent) for path in used}
            for folder in list(sizes):
                if sum(sizes.values()) > MOST_BYTES and folder != newest:
                    shutil.rmtree(folder, ignore_errors=True)
                    del sizes[folder]


def usual_cache() -> NetworkCache:
    """Return the cache beside torch's own, found as torch.hub documents it, without torch."""
    # Another thread may be importing torch just now; what it has not got yet, nobody has changed.
    get_dir = getattr(getattr(sys.modules.get("torch"), "hub", None), "get_dir", None)
    if get_dir:
        hub = Path(get_dir())
    else:
        caches = os.environ.get("XDG_CACHE_HOME", "~/.cache")
        hub = Path(os.environ.get("TORCH_HOME", f"{caches}/torch")).expanduser() / "hub"
    return NetworkCache(hub / "videobert")


def _made_of(backbone: Backbone, clip_frames: int) -> dict[str, Any] | None:
    """Return what decides what a network computes, without building it.

    None for a network of one's own: nobody knows which code builds it.
    """
    if not isinstance(backbone, PublishedBackbone):
        return None
    drawn = backbone.source.startswith("random:")
    weights = backbone.source if drawn else _digest(backbone.find(backbone.source))
    code = sorted(Path(__file__).with_name("backbones").glob("*.py"))
    return {
        "layout": backbone.layout,
        "weights": weights,
        "clip_frames": clip_frames,
        "preprocessing": json.loads(json.dumps(asdict(backbone.preprocessing))),
        "code": {path.name: _digest(path) for path in code},
        "versions": versions(*PACKAGES),
    }


def _key(made_of: dict[str, Any] | None) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]


def _digests(folder: Path) -> dict[str, str]:
    return {name: _digest(folder / name) for name in (NETWORK, WEIGHTS)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
