"""Which videos; video_ids.py has what each is called.

Two files with one id are refused, and so are ids that differ only in case: an id must not change
when a second file appears later. The other videos go on. Sound beside a video of its id is unread.

A link that leads out of the folder or list that names it is refused, unless the user says
``--follow-links``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path, PurePath
from urllib.parse import unquote

from workfolder.addresses import as_address, list_below, name_of, shown
from workfolder.errors import InputError
from workfolder.listings import lines_of
from workfolder.paths import refuse_address
from workfolder.tars import SUFFIX, Member, list_tar
from workfolder.video_ids import id_of, same_id, video_id

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mkv .webm .mov .avi .flv .ts .mts .m2ts .mpg .mpeg .vob .mxf .wmv .3gp .ogv .gif"
    "".split()
)
SOUND_SUFFIXES = frozenset(".wav .mp3 .flac .m4a .ogg .opus .aac".split())
COMPANION_SUFFIXES = frozenset(".vtt .srt .json .json3 .txt".split())
"""Captions and lists lie beside videos; nobody wants to hear that they are no videos."""


@dataclass(frozen=True)
class Source:
    """A file that a stage reads for one video.

    Attributes:
        file: its path. As a text it is made a Path only once that is asked for.
        refusal: why it must not be opened; None if it may.
        address: where it must be fetched from first; None where ``path`` is the file.
        beside: the addresses of the captions beside it.
        members: what must be copied out of a tar file first: the video, and the captions beside it.
        pictures: the video itself, where ``path`` is a file that was made of it.
    """

    video_id: str
    file: str | Path
    refusal: str | None = None
    pictures: Path | None = None
    address: str | None = None
    beside: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()

    @cached_property
    def path(self) -> Path:
        """The path of its file."""
        return Path(self.file)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it must be fetched or copied before it can be opened."""
        return bool(self.address or self.members)

    @property
    def label(self) -> str:
        """What the user calls it."""
        return self.where if self.is_elsewhere else str(self.path)

    @cached_property
    def where(self) -> str:
        """Its absolute path, or its address without what may be secret."""
        if self.members:
            return self.members[0].label
        return shown(self.address) if self.address else os.path.abspath(self.file)


class Sources(list[Source]):
    """The videos that were found, by id.

    Attributes:
        passed_over: files in the given folders that are not read: numbers by folder and suffix.
    """

    def __init__(
        self, sources: Iterable[Source], passed_over: Mapping[str, Mapping[str, int]]
    ) -> None:
        super().__init__(sources)
        self.passed_over = passed_over


def named_id(name: str) -> str:
    """Return the id of a video that a table names, by its path or by that without the suffix."""
    below = PurePath(name)
    return video_id(below) if below.suffix.lower() in VIDEO_SUFFIXES else id_of(below.as_posix())


def find_videos(
    paths: Iterable[str | Path],
    suffixes: Collection[str] = VIDEO_SUFFIXES,
    follow_links: bool = False,
) -> Sources:
    """Find the videos that files, folders and lists stand for.

    Args:
        paths: files; folders, which stand for the videos below them; addresses of either (a text:
            a Path loses a slash); and .txt lists of all these, one a line, where ``#`` begins a
            comment unless a file has that name.
        suffixes: what a folder's videos end in.
        follow_links: whether links may lead out of a folder or list.

    Raises:
        InputError: if a path is absent or cannot be read, or a folder holds no video.
    """
    search = _Search(frozenset(suffixes), follow_links)
    try:
        found = list(chain.from_iterable(map(search.expand, paths)))
        if not found:
            raise InputError("no video was given: name a file, a folder, or a .txt file of paths")
        return Sources(_one_an_id(found), search.passed_over)
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read ({error.strerror}): check its rights, or leave it out"
        ) from error


@dataclass(frozen=True)
class _Search:
    """A search for videos, and what it passes over."""

    suffixes: frozenset[str]
    follow_links: bool
    passed_over: dict[str, Counter[str]] = field(default_factory=dict)
    real: Callable[[str | Path], str] = field(default_factory=lambda: cache(os.path.realpath))

    @property
    def _wanted(self) -> frozenset[str]:
        """What a folder's files end in that are read."""
        return self.suffixes | {SUFFIX} if self.suffixes >= VIDEO_SUFFIXES else self.suffixes

    def expand(self, given: str | Path) -> Iterator[Source]:
        """Yield the videos that a path or an address stands for."""
        address = as_address(given)
        if address and self.suffixes >= VIDEO_SUFFIXES:
            yield from self._remote(address)
            return
        refuse_address(given)
        path = Path(given)
        if os.path.isdir(path):
            yield from self._below(path)
        elif not os.path.exists(path):
            raise InputError(
                f"{path} does not exist: give a video, a folder of videos, or a .txt file of paths"
            )
        elif path.suffix.lower() == ".txt":
            yield from self._listed(path)
        elif path.suffix.lower() == SUFFIX and self.suffixes >= VIDEO_SUFFIXES:
            yield from self._packed(os.path.abspath(path), path.stem)
        else:
            yield Source(video_id(PurePath(path.name)), path)

    def _listed(self, listing: Path) -> Iterator[Source]:
        """Yield the videos that a list names."""
        beside = os.path.join(os.path.abspath(listing.parent), "")
        for line in lines_of(listing):
            if as_address(line) and self.suffixes >= VIDEO_SUFFIXES:
                yield from self.expand(line)
                continue
            refuse_address(line)
            named = listing.parent / line
            if line.startswith("#") and not os.path.lexists(named):
                continue
            if named.suffix.lower() == ".txt" and not os.path.isdir(named):
                raise InputError(f"{listing} names another list, {named}: name its videos instead")
            is_below = os.path.abspath(named).startswith(beside)
            refusal = self._refusal(named, listing.parent if is_below else named.parent)
            if refusal and os.path.isdir(named):
                raise InputError(refusal)
            for source in self.expand(named):
                yield replace(source, refusal=source.refusal or refusal)

    def _packed(self, tar: str, stem: str) -> Iterator[Source]:
        """Yield the videos in a tar file, by path or address; a torn one is refused itself, too.

        Args:
            tar: the file.
            stem: the path below what was given, without the suffix; the ids begin with it.
        """
        found = list_tar(tar, self.suffixes)
        for members in found.videos:
            path = Path(members[0].label)
            yield Source(id_of(f"{stem}/{members[0].key}"), path, members=members)
        if found.fault:
            yield Source(id_of(stem), Path(found.label), found.fault, address=as_address(tar))

    def _remote(self, address: str) -> Iterator[Source]:
        """Yield the videos that an address stands for. One that names a video is not asked for."""
        name = name_of(address)
        if _suffix(name) in self.suffixes:
            yield Source(video_id(PurePath(unquote(name))), Path(shown(address)), address=address)
            return
        if _suffix(name) == SUFFIX:
            yield from self._packed(address, PurePath(unquote(name)).stem)
            return
        found = list_below(address)
        captions: dict[str, list[str]] = {}
        for below in found:
            if _suffix(below) in COMPANION_SUFFIXES:
                stem = below.rpartition(".")[0]
                for one in {stem, stem.rpartition(".")[0]}:  # NAME.vtt and NAME.LANGUAGE.vtt
                    captions.setdefault(one, []).append(found[below])
        videos = [below for below in found if _suffix(below) in self.suffixes]
        tars = [below for below in found if _suffix(below) == SUFFIX]
        for below in tars:
            yield from self._packed(found[below], below.rpartition(".")[0])
        if not videos and not tars:
            raise InputError(f"{shown(address)} holds no video: give an address above videos")
        for below in videos:
            stem, there = below.rpartition(".")[0], found[below]
            beside = tuple(sorted(captions.get(stem, ())))
            yield Source(id_of(stem), Path(shown(there)), address=there, beside=beside)

    def _below(self, folder: Path) -> Iterator[Source]:
        """Yield the videos below a folder. A link that leads nowhere is a video that will fail."""
        others = self.passed_over.setdefault(os.path.abspath(folder), Counter())
        below = len(os.path.join(folder, ""))
        entries = list(self._files(folder, others, {self.real(folder)}))
        seen = {stem for _, stem, suffix in entries if suffix not in SOUND_SUFFIXES}
        for entry, stem, suffix in entries:
            if suffix in SOUND_SUFFIXES and stem in seen:  # the sound of the video beside it
                others[suffix] += 1
                continue
            refusal = self._refusal(Path(entry.path), folder) if entry.is_symlink() else None
            if suffix == SUFFIX and not refusal:
                yield from self._packed(os.path.abspath(entry.path), stem[below:])
            else:
                yield Source(id_of(stem[below:]), entry.path, refusal)
        if not entries:
            looked_for = " ".join(sorted(self.suffixes))
            passed_over = f", passed over {', '.join(others)}" if others else ""
            raise InputError(f"{folder} holds no video: looked for {looked_for}{passed_over}")

    def _files(
        self, folder: Path | str, others: Counter[str], within: set[str]
    ) -> Iterator[tuple[os.DirEntry[str], str, str]]:
        """Yield the files of the wanted suffixes below a folder, and count the others.

        With each come its path without the suffix, and its suffix.

        Args:
            within: real paths of the folder that was given, and of the links followed from there.

        What the folder itself says of its entries is enough: to ask a remote disk about each of
        300,000 takes minutes.
        """
        wanted = self._wanted
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = _suffix(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    yield from self._files(entry.path, others, within)
                elif entry.is_symlink() and os.path.isdir(entry.path):
                    target = self.real(entry.path)
                    if any(_is_within(target, one) for one in within):
                        continue  # its videos are found without the link
                    if not self.follow_links or any(_is_within(one, target) for one in within):
                        others["links to folders"] += 1
                    else:
                        yield from self._files(entry.path, others, {*within, target})
                elif suffix in wanted and (
                    entry.is_symlink() or entry.is_file(follow_symlinks=False)
                ):
                    yield entry, entry.path[: -len(suffix)], suffix
                elif entry.name[0] != "." and suffix not in COMPANION_SUFFIXES:
                    others[suffix or "without a suffix"] += 1

    def _refusal(self, path: Path, base: Path) -> str | None:
        """Return why a link must not be followed; None if ``path`` may be read."""
        target = os.path.join(self.real(path.parent), path.name)
        if os.path.islink(target):
            target = os.path.realpath(target)
        if self.follow_links or _is_within(target, self.real(base)):
            return None
        return (
            f"{path} is a link that leads out of {base}: give --follow-links, or name the file "
            "itself"
        )


def _one_an_id(found: list[Source]) -> list[Source]:
    """Keep each file once, sorted by id; refuse those that share an id."""
    groups: dict[str, list[Source]] = {}
    for source in found:
        groups.setdefault(source.video_id.casefold(), []).append(source)
    kept = [one for group in groups.values() for one in _settle(group)]
    return sorted(kept, key=attrgetter("video_id"))


def _settle(group: list[Source]) -> Iterable[Source]:
    """Choose among files whose ids are the same but for their case: one file, or none."""
    if len(group) == 1:
        return group
    ids = {source.video_id: source for source in reversed(group)}
    files = {
        source.where if source.is_elsewhere else os.path.realpath(source.path) for source in group
    }
    if len(ids) == len(files) == 1:
        return ids.values()
    reason = same_id([source.label for source in group], ids)
    return [replace(source, refusal=reason) for source in ids.values()]


def _suffix(name: str) -> str:
    """Return what a file's name ends in, in lower case; nothing for .hidden."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if stem and dot else ""


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(os.path.join(folder, ""))
