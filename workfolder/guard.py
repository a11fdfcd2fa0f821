"""Reads untrusted files in processes of their own.

FFmpeg has new vulnerabilities at any time. Whatever opens a video, its sound or its captions runs
in a process with limits on time and memory, so that a file which crashes, hangs or swells costs
only itself. The parent never decodes; it gets plain values, arrays and the classes it expects.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from workfolder.errors import InputError
from workfolder.guard_channel import Channel, shared_memory
from workfolder.options import Limits

SECONDS_TO_DIE = 5.0
SECONDS_WITHIN_MESSAGE = 60
"""How long to wait for the rest of a message that has begun."""


class Guards:
    """Processes that read files: one for each thread that is reading, kept for its next file."""

    def __init__(self, limits: Limits = Limits(), returns: Iterable[type] = ()) -> None:
        """Start no process yet.

        Args:
            limits: what one file may take.
            returns: the classes that may come back, beside plain values and arrays.
        """
        self._limits = limits
        self._returns = tuple(returns)
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        weakref.finalize(self, _end, self._all)

    def start(self, work: Callable[..., Any]) -> None:
        """Start the first process now, and let it import what ``work`` needs."""
        if self._all:
            return
        process = _Process(self._returns, work.__module__)
        self._all.add(process)
        self._idle.append(process)

    def stream(
        self, work: Callable[..., Generator[Any, None, Any]], path: Path, *arguments: Any
    ) -> Reading:
        """Return the items of ``work(path, *arguments)``, run in another process."""
        return Reading(self._run(work, path, arguments))

    def call(self, work: Callable[..., Any], path: Path, *arguments: Any) -> Any:
        """Return what ``work(path, *arguments)`` returns, run in another process.

        Raises:
            InputError: as Reading does.
        """
        reading = self.stream(_no_items, path, work, *arguments)
        for _ in reading:
            raise AssertionError("a call has no items")
        return reading.result

    def close(self) -> None:
        """End every process, also those that are reading. Later work gets new ones."""
        self._idle.clear()
        _end(self._all)

    def _run(
        self, work: Callable[..., Any], path: Path, arguments: tuple[Any, ...]
    ) -> Iterator[tuple[str, Any]]:
        """Yield what the process says until it is done. One that is left before that is ended."""
        process, fresh = self._borrow()
        remaining = self._limits.seconds
        answered = done = False
        try:
            process.channel.put((work, path, arguments, self._limits))
            process.channel.wait_until_read()
            while True:
                begin = time.monotonic()
                kind, value = process.channel.get(max(0.0, remaining))
                remaining -= time.monotonic() - begin
                answered = True
                done = kind != "item"
                yield kind, value
                if done:
                    return
        except TimeoutError as error:
            advice = "give it more time with --timeout, or leave it out"
            raise InputError(
                f"{path} could not be read in {self._limits.seconds:g} s: {advice}"
            ) from error
        except pickle.UnpicklingError as error:
            raise InputError(
                f"{path} made the process that read it say what it should not ({error}): leave it "
                "out"
            ) from error
        except (EOFError, OSError) as error:
            if fresh or answered or process not in self._all:  # it was closed while it read
                raise InputError(
                    f"{path} ended the process that read it ({process.death()}): leave it out"
                ) from error
        finally:
            if done:
                self._idle.append(process)
            else:
                process.end()
                self._all.discard(process)
        # The process died while it was idle: that was not this file's fault.
        yield from self._run(work, path, arguments)

    def _borrow(self) -> tuple[_Process, bool]:
        """Return a process, and whether it is a new one."""
        with contextlib.suppress(IndexError):  # none is idle
            process = self._idle.pop()
            while process not in self._all:  # these guards were closed as it became idle
                process = self._idle.pop()
            return process, False
        process = _Process(self._returns)
        self._all.add(process)
        return process, True


class Reading(Iterator[Any]):
    """Yields the items of one file as they come.

    Attributes:
        result: what the work returned, once it has ended.
        seconds: how long the process worked, without its waiting for the reader.

    Raises:
        InputError: while it yields, if the file cannot be read within its limits.
    """

    def __init__(self, messages: Iterator[tuple[str, Any]]) -> None:
        self._messages = messages
        self.result: Any = None
        self.seconds = 0.0

    def __next__(self) -> Any:
        kind, value = next(self._messages)
        if kind == "item":
            return value
        with contextlib.suppress(StopIteration):
            next(self._messages)  # gives the process back before anything is raised
        if kind == "refused":
            raise InputError(value)
        self.result, self.seconds = value
        raise StopIteration


class _Process:
    """One process that runs workfolder.guard_process."""

    def __init__(self, returns: tuple[type, ...], *modules: str) -> None:
        """Start it.

        Args:
            returns: the classes that may come back.
            modules: what it imports before it is given any work.
        """
        ours, theirs = socket.socketpair()
        ours.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SECONDS_WITHIN_MESSAGE, 0)
        )
        memory = shared_memory()
        # One thread, as several videos share the cores. The path, as the work may lie beside the
        # package, as in tests. -P, as the working folder may hold anything, even a numpy.py.
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "workfolder.guard_process",
                str(theirs.fileno()),
                str(memory),
                *modules,
            ],
            pass_fds=[theirs.fileno(), memory],
            stdin=subprocess.PIPE,  # it ends when this closes, as it does when this process ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a decoder that floods it must not fill a disk
            env=environment,
        )
        theirs.close()
        self.channel = Channel(ours.detach(), memory, returns)
        os.close(memory)

    def death(self) -> str:
        """Return how it ended. It has closed its end of the channel; if it lives on, kill it."""
        try:
            code = self._process.wait(SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:
            self.end()
            return "it fell silent"
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()


def _end(processes: set[_Process]) -> None:
    while processes:
        processes.pop().end()


def _no_items(path: Path, work: Callable[..., Any], *arguments: Any) -> Generator[Any, None, Any]:
    """Yield nothing and return what a plain function does."""
    yield from ()
    return work(path, *arguments)
