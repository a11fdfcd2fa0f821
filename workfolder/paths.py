"""Paths of this machine, as opposed to addresses such as s3://bucket/videos."""

from __future__ import annotations

import os
import re

from workfolder.errors import InputError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+", re.IGNORECASE)


def refuse_address(path: str | os.PathLike[str]) -> None:
    """Refuse an address where a path is wanted.

    Raises:
        InputError: if ``path`` begins with a scheme such as ``s3://`` or ``file://``. Of a Path,
            ``s3:/`` is enough: pathlib makes one slash of two. Of a text it is not: it may be
            ``whisper:/model.pt``.
    """
    address = _ADDRESS.match(os.fspath(path))
    if not address or (isinstance(path, str) and not address[0].endswith("//")):
        return
    scheme, rest = address[1], os.fspath(path)[address.end() :]
    if scheme.lower() == "file":
        raise InputError(f"file:///{rest} is an address: give the path alone, /{rest}")
    raise InputError(
        f"{scheme}://{rest} is an address, and only paths of this machine can be used: "
        "copy the files to a disk, or mount them, and give that path"
    )
