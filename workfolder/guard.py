"""Reading what is not trusted: in a process of its own, so that a file which crashes, hangs or swells costs only itself.

FFmpeg has new holes at any time. Whatever opens a video, its sound or its captions therefore runs in a process with limits
on time and memory, which is replaced when it dies. The parent never decodes; it gets plain values.
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
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from workfolder.channel import Channel, shared_memory
from workfolder.errors import InputError
from workfolder.options import Limits

SECONDS_TO_DIE = 5.0
SECONDS_WITHIN_MESSAGE = 60
"""How long the rest of a message is waited for, once it has begun."""


class Guards:
    """Processes that read files, one for each thread that reads at the time, kept for the next file."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        weakref.finalize(self, _end, self._all)

    def stream(
        self, work: Callable[..., Generator[Any, None, Any]], path: Path, *arguments: Any
    ) -> Reading:
        """The items of ``work(path, *arguments)``, run in another process; what travels must be picklable."""
        return Reading(self._run(work, path, arguments))

    def call(self, work: Callable[..., Any], path: Path, *arguments: Any) -> Any:
        """What ``work(path, *arguments)`` returns, run in another process. InputError as Reading has it."""
        reading = self.stream(_no_items, path, work, *arguments)
        for _ in reading:
            raise AssertionError("a call has no items")
        return reading.result

    def close(self) -> None:
        """End every process, also those that are reading; what is asked for later gets new ones."""
        self._idle.clear()
        _end(self._all)

    def _run(
        self, work: Callable[..., Any], path: Path, arguments: tuple[Any, ...]
    ) -> Iterator[tuple[str, Any]]:
        """What the process says, until it is done; a process that is not done afterwards is ended."""
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
                f"{path} made the process that read it say what it should not ({error}): leave it out"
            ) from error
        except (EOFError, OSError) as error:
            if fresh or answered or process not in self._all:  # else closed as it read
                raise InputError(
                    f"{path} ended the process that read it ({process.death()}): leave it out"
                ) from error
        finally:
            if done:
                self._idle.append(process)
            else:
                process.end()
                self._all.discard(process)
        yield from self._run(
            work, path, arguments
        )  # it died while it was idle: the file had no part in that

    def _borrow(self) -> tuple[_Process, bool]:
        """A process, and whether it is a new one."""
        with contextlib.suppress(
            IndexError
        ):  # another thread may take the last between a look and a pop
            while (
                process := self._idle.pop()
            ) not in self._all:  # the guards were closed as it ended
                continue
            return process, False
        process = _Process()
        self._all.add(process)
        return process, True


class Reading(Iterator[Any]):
    """The items of one file as they come. InputError if the file cannot be read, or not within its limits.

    Attributes:
        result: what the work returned, once it has ended.
        seconds: how long the process worked, without its waiting for us.
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
            next(self._messages)  # the process goes back before anything is raised
        if kind == "refused":
            raise InputError(value)
        self.result, self.seconds = value
        raise StopIteration


class _Process:
    """One process that runs workfolder.guarded."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SECONDS_WITHIN_MESSAGE, 0)
        )
        memory = shared_memory()
        # One thread: the lanes share the cores. The path: what is run may live beside the package, as tests do.
        # -P: the working folder may hold anything, also a numpy.py.
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workfolder.guarded", str(theirs.fileno()), str(memory)],
            pass_fds=[theirs.fileno(), memory],
            stdin=subprocess.PIPE,  # it ends when this closes: when we are gone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a decoder that floods it must not fill a disk
            env=environment,
        )
        theirs.close()
        self.channel = Channel(ours.detach(), memory)
        os.close(memory)

    def death(self) -> str:
        """How it ended. It said that it will, by closing its end of the channel; one that does not is killed."""
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
    """A generator that returns what a plain function does."""
    yield from ()
    return work(path, *arguments)
