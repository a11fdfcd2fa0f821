"""Values from one process to another: through a socket, their arrays through memory that both see."""

from __future__ import annotations

import io
import json
import mmap
import os
import pickle
import tempfile
from multiprocessing.connection import Connection
from typing import Any

MEMORY = 2**24
"""Bytes for the arrays of one value: a clip has 5 million. Larger ones go through the socket, five times as slowly."""

PLAIN = {
    "feature_extraction.hearing.captions.files": {"Captions"},
    "feature_extraction.schema": {"Clip", "Word"},
    "feature_extraction.hearing.captions.streams": {"Subtitles"},
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
}
"""What a value may be made of, beside what pickle itself knows: nothing that does anything."""


def shared_memory() -> int:
    """A descriptor of MEMORY bytes that a child process can be given."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("channel")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, MEMORY)
    return descriptor


class Channel:
    """One end. A value is read before the next one with arrays is written: the writer is at most two ahead."""

    def __init__(self, socket: int, memory: int, trusting: bool = False) -> None:
        """``trusting``: take whatever the other side sends, functions too; else plain values only."""
        self._unpickler = pickle.Unpickler if trusting else _PlainUnpickler
        self._connection = Connection(socket)
        self._memory = mmap.mmap(memory, MEMORY)
        self._unread = False

    def put(self, value: Any) -> None:
        """Send what can be pickled."""
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        views = [buffer.raw() for buffer in buffers]
        if sum(map(len, views)) > MEMORY:
            head, views = pickle.dumps(value, protocol=5), []
        if views:
            self.wait_until_read()
            start = 0
            for view in views:
                self._memory[start : start + len(view)] = view
                start += len(view)
            self._unread = True
        self._connection.send_bytes(json.dumps([len(view) for view in views]).encode())
        self._connection.send_bytes(head)

    def wait_until_read(self) -> None:
        """Return when the other side has taken the last arrays; EOFError where it is gone."""
        if self._unread:
            self._connection.recv_bytes()
            self._unread = False

    def get(self, seconds: float | None = None) -> Any:
        """The next value, its arrays writable; TimeoutError if none comes in time, EOFError where the other side is gone."""
        if not self._connection.poll(seconds if seconds is None else min(seconds, 1e6)):
            raise TimeoutError
        sizes, head = json.loads(self._connection.recv_bytes()), self._connection.recv_bytes()
        buffers, start = [], 0
        for size in sizes:
            buffers.append(bytearray(self._memory[start : start + size]))
            start += size
        if sizes:
            self._connection.send_bytes(b"read")
        return self._unpickler(io.BytesIO(head), buffers=buffers).load()

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
        self._memory.close()


class _PlainUnpickler(pickle.Unpickler):
    """For what comes from a process that reads what is not trusted: a decoder may have been taken over."""

    def find_class(self, module: str, name: str) -> Any:
        """One of PLAIN."""
        if name in PLAIN.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")
