"""A folder that files are fetched ahead to, and that never holds more than so many bytes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from workfolder.addresses import as_address, fetch, name_of
from workfolder.errors import InputError
from workfolder.files import cannot_write
from workfolder.sources import Source
from workfolder.tars import Member, copy_member

GIGABYTE = 10**9


class Scratch:
    """The files of some sources, each there while it is needed.

    They are admitted in the order in which they will be asked for. So one that waits for room
    waits for files that are being read, and never for one behind it.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        ahead: int,
        folder: Path | None = None,
        most: float = 20.0,
        patience: float = 60.0,
    ) -> None:
        """Begin to fetch.

        Args:
            sources: those that will be asked for, in about that order.
            ahead: how many are fetched before they are asked for.
            folder: where; None is the system's folder for temporary files.
            most: gigabytes that are held at once.
            patience: seconds to wait between tries, all in all, where a server fails.

        Raises:
            InputError: if the folder cannot be written.
        """
        self._most, self._patience = int(most * GIGABYTE), patience
        try:
            self._folder, self._lock = _own_folder(folder or Path(tempfile.gettempdir()))
        except OSError as error:
            raise cannot_write(folder or Path(tempfile.gettempdir()), error) from error
        self._coming = (source for source in sources if source.is_elsewhere and not source.refusal)
        self._numbers = count()
        self._held: dict[int, int] = {}
        self._turn = 0
        self._room = threading.Condition()
        self._files: dict[str, tuple[int, Future[Path]]] = {}
        self._closed = False
        self._pool = ThreadPoolExecutor(ahead)
        with self._room:
            for _ in range(ahead):
                self._fetch_next()

    @contextmanager
    def fetched(self, source: Source) -> Iterator[Source]:
        """Yield the source with its file on this disk; a source that is there is left alone.

        Raises:
            InputError: if it cannot be fetched, or the caller cannot use it; the message names the
                address.
        """
        if not source.is_elsewhere:
            yield source
            return
        number, future = self._take(source)
        try:
            path = future.result()
            try:
                yield replace(source, file=path)
            except InputError as error:
                raise InputError(str(error).replace(str(path), source.label)) from error
        finally:
            self._release(number)

    def drop(self, source: Source) -> None:
        """Forget a source that nobody will ask for."""
        if source.is_elsewhere:
            number, future = self._take(source)
            future.add_done_callback(lambda _: self._release(number))

    def close(self) -> None:
        """End, and remove the folder."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def _take(self, source: Source) -> tuple[int, Future[Path]]:
        with self._room:
            while source.video_id not in self._files:
                if not self._fetch_next():
                    raise KeyError(source.video_id)
            self._fetch_next()
            return self._files.pop(source.video_id)

    def _fetch_next(self) -> bool:
        source = next(self._coming, None)
        if source is None:
            return False
        number = next(self._numbers)
        self._files[source.video_id] = number, self._pool.submit(self._fetch, source, number)
        return True

    def _fetch(self, source: Source, number: int) -> Path:
        """Fetch a source's file, and the captions beside it, to a folder of their own."""
        folder = self._folder / str(number)
        try:
            folder.mkdir()
            for member in source.members:
                self._fetch_file(member.tar, folder / member.copied_as, number, member)
            if source.members:
                return folder / source.members[0].copied_as
            wanted = [source.address or "", *source.beside]
            for address in wanted:
                self._fetch_file(address, folder / name_of(address), number)
        except OSError as error:
            raise cannot_write(folder, error) from error
        finally:
            self._pass_turn(number)
        return folder / name_of(wanted[0])

    def _fetch_file(
        self, address: str, where: Path, number: int, member: Member | None = None
    ) -> None:
        def admit(size: int) -> None:
            if size > self._most:
                raise InputError(
                    f"{where.name} has {size / GIGABYTE:.2f} GB, more than --scratch-gb "
                    f"{self._most / GIGABYTE:g}: give it more"
                )
            self._admit(number, size)

        if member and not as_address(member.tar):
            admit(member.span.size)
            copy_member(member, where)
        else:
            fetch(address, where, self._patience, admit, member.span if member else None)

    def _admit(self, number: int, size: int) -> None:
        """Wait until it is the number's turn, and there is room beside what is held.

        Another try and captions do not wait: those behind may hold all the room by then.
        """

        def may_go() -> bool:
            held = sum(self._held.values())
            room = not held or held + size <= self._most
            return self._closed or number in self._held or (self._turn == number and room)

        with self._room:
            self._room.wait_for(may_go)
            if self._closed:
                raise InputError("the job has ended")
            self._held[number] = max(size, self._held.get(number, 0))
            self._turn = max(self._turn, number + 1)
            self._room.notify_all()

    def _pass_turn(self, number: int) -> None:
        """Let the next one go on, also where this one was never admitted."""
        with self._room:
            self._room.wait_for(lambda: self._closed or self._turn >= number)
            self._turn = max(self._turn, number + 1)
            self._room.notify_all()

    def _release(self, number: int) -> None:
        shutil.rmtree(self._folder / str(number), ignore_errors=True)
        with self._room:
            self._held.pop(number, None)
            self._room.notify_all()


def _own_folder(parent: Path) -> tuple[Path, int]:
    """Make a folder, which is locked; remove those that killed runs left.

    Returns:
        The folder, and the descriptor that holds its lock.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("videobert-fetched-*"):
        with suppress(OSError):  # another run still uses it
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(descriptor)
    folder = Path(tempfile.mkdtemp(prefix="videobert-fetched-", dir=parent))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, lock
