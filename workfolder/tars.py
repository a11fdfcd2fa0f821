"""Videos in tar files, as WebDataset makes them: a sample's members share a key.

A key is a member's path up to the first dot of its name. Here a tar file is only listed: where the
bytes of each member begin and how many they are. What they are is for the guard, which gets a copy.
Nothing is unpacked by its name, and no header is believed that does not fit into the file.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workfolder.addresses import Span, as_address, opened, shown
from workfolder.errors import InputError

SUFFIX = ".tar"
CAPTIONS = (".vtt", ".srt", ".json3")
"""A sample's .json and .txt are notes of any kind, not captions."""
BLOCKSIZE = 512
LONGEST_HEADER = 2**20
"""Bytes. A header that says it is longer is no name but an attack."""


@dataclass(frozen=True)
class Member:
    """A file in a tar file.

    Attributes:
        tar: the path or the address of the tar file.
        name: the member's, in the tar file.
        span: where its bytes are.
    """

    tar: str
    name: str
    span: Span

    @property
    def key(self) -> str:
        """What all members of its sample share."""
        folder, slash, name = self.name.rpartition("/")
        return f"{folder}{slash}{name.partition('.')[0]}"

    @property
    def suffix(self) -> str:
        """What its name ends in, in lower case."""
        return os.path.splitext(self.name)[1].lower()

    @property
    def copied_as(self) -> str:
        """The name of its copy: a video's is its key, so that captions stand beside it."""
        name = self.name.rpartition("/")[2]
        key = self.key.rpartition("/")[2]
        return name if self.suffix in CAPTIONS else f"{key}{self.suffix}"

    @property
    def label(self) -> str:
        """What the user calls it, without what may be secret."""
        return f"{shown(self.tar) if as_address(self.tar) else self.tar}/{self.name}"


@dataclass(frozen=True)
class Listing:
    """The videos in a tar file, in order.

    Attributes:
        label: the tar file, without what may be secret.
        videos: of each the member that is the video, then the captions beside it.
        fault: why there are none, or there may have been more; None if all is well.
    """

    label: str
    videos: list[tuple[Member, ...]]
    fault: str | None


def list_tar(tar: str, suffixes: Collection[str]) -> Listing:
    """List the videos in a tar file, up to where it is torn.

    Args:
        tar: its path, or its address.
        suffixes: what videos end in.

    Raises:
        InputError: if an address cannot be opened.
        OSError: if a path cannot be.
    """
    label = shown(tar) if as_address(tar) else tar
    with _opened(tar) as file:
        members, whole = _members(tar, file)
    captions: dict[str, list[Member]] = {}
    for member in members:
        if member.suffix in CAPTIONS:
            captions.setdefault(member.key, []).append(member)
    found = [each for each in members if each.suffix in suffixes]
    videos = [(video, *captions.get(video.key, ())) for video in found]
    fault = None
    if not whole:
        fault = (
            f"{label} is torn or no tar file: what follows its first {len(members)} files is lost"
        )
    elif not videos:
        fault = f"{label} holds no video: no name in it ends like one"
    return Listing(label, videos, fault)


def _members(tar: str, file: Any) -> tuple[list[Member], bool]:
    """List the files in a tar file, and tell whether it ends as tar files do."""
    members: list[Member] = []
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    bounded: Any = _Bounded(file)
    try:
        with tarfile.open(fileobj=bounded, mode="r:") as archive:
            for each in archive:
                if each.offset_data + each.size > size:
                    return members, False
                if each.isreg() and not each.issparse():
                    span = Span(each.offset_data, each.size, size)
                    members.append(Member(tar, each.name, span))
            file.seek(archive.offset)
            # tarfile ends in silence at whatever is no header; a whole file ends in zeros.
            return members, archive.offset < size and not file.read(BLOCKSIZE).strip(b"\0")
    except (tarfile.TarError, ValueError, OverflowError):
        return members, False


@contextmanager
def _opened(tar: str) -> Iterator[Any]:
    if not as_address(tar):
        with Path(tar).open("rb") as file:
            yield file
        return
    with opened(tar) as file:
        yield file


@dataclass(frozen=True)
class _Bounded:
    """A file that refuses to read a header which says that it is huge."""

    file: Any

    def read(self, size: int) -> bytes:
        """Read so many bytes."""
        if size > LONGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        return bytes(self.file.read(size))

    def seek(self, place: int) -> int:
        """Go to a place."""
        return int(self.file.seek(place))

    def tell(self) -> int:
        """Tell the place."""
        return int(self.file.tell())


def copy_member(member: Member, where: Path) -> None:
    """Copy a member of a tar file on this disk.

    Raises:
        InputError: if the tar file is another one by now.
        OSError: if it cannot be read, or this disk is full.
    """
    with Path(member.tar).open("rb") as file, where.open("wb") as copy:
        if file.seek(0, os.SEEK_END) != member.span.of:
            raise InputError(f"{member.tar} has changed since it was listed: try again")
        file.seek(member.span.offset)
        left = member.span.size
        while left and (chunk := file.read(min(left, LONGEST_HEADER))):
            copy.write(chunk)
            left -= len(chunk)
        if left:
            raise InputError(f"{member.label} ends too early: make {member.tar} again")
