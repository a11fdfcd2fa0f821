"""A bucket: a folder behind fsspec's S3, which can be slow, fail, and change under the reader."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

SECRET = "AKIAVERYSECRET"


class Bucket(LocalFileSystem):
    """``s3://kitchen/`` is the folder ``root``."""

    protocol = "s3"
    cachable = False
    root = Path()
    delay = 0.0
    faults: ClassVar[Counter[str]] = Counter()
    """How often the reading of a file still fails, by its name."""
    changes: ClassVar[Counter[str]] = Counter()
    """How often a file still becomes another one while it is read."""
    reads: ClassVar[Counter[str]] = Counter()

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(path).removeprefix("s3://").rstrip("/")

    def unstrip_protocol(self, name: str) -> str:
        return f"s3://{name}"

    def _local(self, path: str) -> str:
        return str(self.root / self._strip_protocol(path).removeprefix("kitchen").lstrip("/"))

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        found = super().info(self._local(path), **more)
        return {"name": self._strip_protocol(path), **{k: found[k] for k in ("size", "mtime")}}

    def find(self, path: str, **more: Any) -> list[str]:
        local = Path(self._local(path))
        below = (each for each in sorted(local.rglob("*")) if each.is_file())
        return [f"kitchen/{each.relative_to(self.root)}" for each in below]

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        name = Path(path).name
        self.reads[name] += 1
        time.sleep(self.delay)
        if self.faults[name] > 0:
            self.faults[name] -= 1
            raise ConnectionError(f"503 for https://{SECRET}@kitchen/{name}")
        if self.changes[name] > 0:
            self.changes[name] -= 1
            there = Path(self._local(path))
            there.write_bytes(there.read_bytes() + b"!")
        return Path(self._local(path)).open(mode)


@contextmanager
def bucket(root: Path) -> Iterator[type[Bucket]]:
    """Have ``s3://kitchen/`` be a folder for a while."""
    try:
        was = fsspec.get_filesystem_class("s3")
    except ImportError:  # there is no s3fs that would be missed afterwards
        was = None
    Bucket.root, Bucket.delay = root, 0.0
    Bucket.faults, Bucket.changes, Bucket.reads = Counter(), Counter(), Counter()
    fsspec.register_implementation("s3", Bucket, clobber=True)
    try:
        yield Bucket
    finally:
        if was:
            fsspec.register_implementation("s3", was, clobber=True)
