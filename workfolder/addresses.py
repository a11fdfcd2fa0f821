"""Files at addresses such as s3://bucket/a.mp4: what they are called, listed and fetched.

fsspec knows how, and where the credentials are. Nothing of an address that may be secret is shown:
neither what stands before its @, nor what follows its ?.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workfolder.errors import InputError

SCHEMES = ("s3", "gs", "hf", "https", "http")
"""What videos are fetched from."""
NEEDED = {"s3": "s3fs", "gs": "gcsfs", "hf": "huggingface_hub", "https": "aiohttp"}
"""The package that fsspec needs for a scheme."""
WEB = ("https", "http")
CHUNK = 2**20
"""Bytes that are read at a time."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
FIRST_WAIT = 0.5
"""Seconds before the second try; each later wait is twice as long."""
_REMOTE = re.compile(rf"({'|'.join(SCHEMES)}):/+(?=[^/])", re.IGNORECASE)


class ChangedError(OSError):
    """The object was another one when its reading ended."""


def as_address(given: str | Path) -> str | None:
    """Return the address that was given; None if it is a path. A Path has lost a slash."""
    found = _REMOTE.match(str(given))
    if not found or (isinstance(given, str) and not found[0].endswith("://")):
        return None
    return f"{found[1].lower()}://{str(given)[found.end() :]}"


def shown(address: str) -> str:
    """Return an address without what may be secret."""
    scheme, host, path = _parts(address)
    return f"{scheme}://{host.rpartition('@')[2]}/{path}"


def name_of(address: str) -> str:
    """Return the name of the file at an address."""
    return _parts(address)[2].rpartition("/")[2]


def list_below(address: str) -> dict[str, str]:
    """List the files below an address: their addresses, by the path below it.

    Raises:
        InputError: if it cannot be listed.
    """
    if _parts(address)[0] in WEB:
        raise InputError(
            f"{shown(address)} is no video, and a web server lists no folders: write the addresses "
            "of its videos into a .txt file"
        )
    system, path = _system(address)
    try:
        found = system.find(path)
    except Exception as error:  # whatever the libraries of the schemes raise
        raise InputError(f"{shown(address)} cannot be listed ({reason_of(error)})") from error
    root = f"{str(path).rstrip('/')}/"
    return {
        each.removeprefix(root): system.unstrip_protocol(each)
        for each in found
        if each.startswith(root)
    }


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """Open a file at an address for reading here and there.

    Raises:
        InputError: if it cannot be read.
    """
    system, path = _system(address)
    try:
        with system.open(path, "rb") as file:
            yield file
    except InputError:
        raise
    except Exception as error:  # whatever the libraries of the schemes raise
        raise InputError(f"{shown(address)} cannot be read ({reason_of(error)})") from error


@dataclass(frozen=True)
class Span:
    """A part of a file.

    Attributes:
        offset: where its bytes begin.
        size: how many they are.
        of: bytes of the whole file.
    """

    offset: int
    size: int
    of: int


def fetch(
    address: str,
    where: Path,
    patience: float,
    admit: Callable[[int], None],
    span: Span | None = None,
) -> None:
    """Fetch a file, or a part of it, whole and of one version.

    Args:
        address: where it is.
        where: the file to write.
        patience: seconds to wait between tries, all in all, where a server fails.
        admit: is told the number of bytes before they are written, and may wait or refuse.
        span: which part; None is all of it.

    Raises:
        InputError: if it is not there, may not be read, or has failed for so long.
        OSError: if this disk is full.
    """
    wait, tries = FIRST_WAIT, 0
    while True:
        tries += 1
        try:
            return _fetch_once(address, where, admit, span)
        except InputError:
            raise
        except Exception as error:  # whatever the libraries of the schemes raise
            said = _said(error)
            if isinstance(said, FileNotFoundError | PermissionError):
                raise InputError(f"{shown(address)} {reason_of(said)}") from error
            if isinstance(said, OSError) and said.errno in FULL:
                raise
            if wait > patience:
                raise InputError(
                    f"{shown(address)} could not be fetched ({reason_of(said)}; tried {tries} "
                    "times): --retry-failed tries again"
                ) from error
        time.sleep(wait)
        patience -= wait
        wait *= 2


def _fetch_once(address: str, where: Path, admit: Callable[[int], None], span: Span | None) -> None:
    system, path = _system(address)
    before = _version(system, path)
    if span and before.get("size") not in (None, span.of):
        raise InputError(f"{shown(address)} has changed since it was listed: run it again")
    size = span.size if span else before.get("size")
    admit(size or 0)
    written = 0
    # The Hub's looks for the size in a listing otherwise.
    more = {"size": size} if _is_hub(system) else {}
    with system.open(path, "rb", **more) as remote, where.open("wb") as local:
        if span:
            remote.seek(span.offset)
        while chunk := remote.read(min(CHUNK, span.size - written) if span else CHUNK):
            written += len(chunk)
            if written > (size or written):
                break
            local.write(chunk)
    if size not in (None, written) or _version(system, path) != before:
        raise ChangedError


def _version(system: Any, path: str) -> Mapping[str, Any]:
    """Return what tells one version of an object from another, as the server has it now."""
    if _is_hub(system):  # whose listing of the whole folder would be fetched anew for each file
        info = system.info(path, refresh=True, expand_info=True)
    else:
        system.invalidate_cache()
        info = system.info(path)
    told = (
        *("size", "ETag", "etag", "VersionId", "generation", "blob_id", "Content-MD5"),
        *("LastModified", "Last-Modified", "mtime", "updated"),
    )
    return {key: info[key] for key in told if info.get(key) is not None}


def _is_hub(system: Any) -> bool:
    return bool(system.protocol == "hf")


def _system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and its path there."""
    from fsspec.core import url_to_fs  # it takes a while, and most videos are files

    scheme = _parts(address)[0]
    if "::" in address:
        raise InputError(f"{shown(address)} is a chain of addresses, with its ::, and is not read")
    try:
        return url_to_fs(address)
    except ImportError as error:
        package = NEEDED["https" if scheme == "http" else scheme]
        raise InputError(f"{shown(address)} needs {package}: pip install {package}") from error
    except Exception as error:  # whatever the libraries of the schemes raise
        raise InputError(f"{shown(address)} cannot be used ({reason_of(error)})") from error


def reason_of(error: Exception) -> str:
    """Tell what went wrong without the error's own words, which may hold credentials."""
    error = _said(error)
    if isinstance(error, FileNotFoundError):
        return "is not there"
    if isinstance(error, PermissionError):
        return "may not be read: see that your credentials are where fsspec looks for them"
    if isinstance(error, ChangedError):
        return "it changed while it was read"
    status = _status(error)
    return f"{type(error).__name__}{f' {status}' if isinstance(status, int) else ''}"


def _said(error: Exception) -> Exception:
    """Return what a web server said: to fsspec, whatever fails there is not there."""
    cause = error.__cause__
    if not isinstance(error, FileNotFoundError) or not isinstance(cause, Exception):
        return error
    of_web = type(cause).__module__.startswith("aiohttp") or isinstance(cause, OSError)
    if not of_web or isinstance(cause, FileNotFoundError) or _status(cause) in (404, 410):
        return error
    return PermissionError() if _status(cause) in (401, 403) else cause


def _status(error: Exception) -> object:
    """Return what an answer was numbered, such as 503; None if that is not known."""
    answer = getattr(error, "response", None)
    return getattr(error, "status", None) or getattr(answer, "status_code", None)


def _parts(address: str) -> tuple[str, str, str]:
    """Return scheme, host and path. Only on the web a ``?`` ends a path."""
    scheme, rest = address.split("://", 1)
    host, _, path = (re.split(r"[?#]", rest)[0] if scheme in WEB else rest).partition("/")
    return scheme, host, path
