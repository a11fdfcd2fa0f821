"""Values from one process to another.

They go through a socket, and their arrays through memory that both processes share.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import pickle
import tempfile
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any

MEMORY = 2**24
"""Bytes for the arrays of one value: a clip has 5 million. Larger ones go through the socket, which
is five times slower."""

ARRAYS = {
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
}
"""What pickle needs to make an array; nothing here acts."""


def shared_memory() -> int:
    """Return a descriptor of MEMORY bytes that a child process can inherit."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("channel")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, MEMORY)
    return descriptor


class Channel:
    """One end of a channel.

    A value with arrays is written once the one before it is read: the writer is at most two ahead.
    """

    def __init__(self, socket: int, memory: int, classes: Iterable[type] | None) -> None:
        """Open an end.

        Args:
            socket: its descriptor.
            memory: the descriptor of shared_memory.
            classes: what values may be made of beside plain ones and arrays. None trusts the other
                side: any value is taken, functions too.
        """
        self._classes = None if classes is None else {_name(kind): kind for kind in classes}
        self._connection = Connection(socket)
        self._memory = mmap.mmap(memory, MEMORY)
        self._unread = False

    def put(self, value: Any) -> None:
        """Send a value that can be pickled."""
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
        """Return when the other side has read the last arrays.

        Raises:
            EOFError: if the other side is gone.
        """
        if self._unread:
            self._connection.recv_bytes()
            self._unread = False

    def get(self, seconds: float | None = None) -> Any:
        """Return the next value; its arrays are writable.

        Raises:
            TimeoutError: if none comes in time.
            EOFError: if the other side is gone.
            UnpicklingError: if the value is made of more than may come.
        """
        if not self._connection.poll(seconds if seconds is None else min(seconds, 1e6)):
            raise TimeoutError
        sizes, head = json.loads(self._connection.recv_bytes()), self._connection.recv_bytes()
        buffers, start = [], 0
        with memoryview(self._memory) as shared:  # a slice of the map itself is a copy
            for size in sizes:
                buffers.append(bytearray(shared[start : start + size]))
                start += size
        if sizes:
            self._connection.send_bytes(b"read")
        return _Unpickler(head, buffers, self._classes).load()

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
        self._memory.close()


class _Unpickler(pickle.Unpickler):
    """Unpickles what a process sends that may have been taken over by a file; see Channel."""

    def __init__(
        self, head: bytes, buffers: list[bytearray], classes: dict[tuple[str, str], type] | None
    ) -> None:
        super().__init__(io.BytesIO(head), buffers=buffers)
        self._classes = classes

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the expected classes, or what makes an array."""
        if self._classes is None or name in ARRAYS.get(module, ()):
            return super().find_class(module, name)
        if (module, name) in self._classes:
            return self._classes[module, name]
        raise pickle.UnpicklingError(f"{module}.{name} is not expected")


def _name(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__
