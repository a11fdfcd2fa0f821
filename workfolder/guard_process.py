"""The process behind guard.Guards.

python -m workfolder.guard_process SOCKET MEMORY [MODULE]
"""

from __future__ import annotations

import fcntl
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from workfolder.errors import InputError
from workfolder.guard import Limits
from workfolder.guard_channel import Channel


def serve(channel: Channel) -> None:
    """Do the work that comes through a channel until its other end closes."""
    while True:
        try:
            work, path, arguments, limits = channel.get()
        except EOFError:
            return
        _limit(limits)
        try:
            message = _answer(channel, work, path, arguments)
        except InputError as error:
            message = ("refused", str(error))
        except MemoryError:
            most = f"{limits.memory / 2**30:g} GB" if limits.memory else "the memory there is"
            message = (
                "refused",
                f"{path} needs more than {most} to read: leave it out, or convert it",
            )
        except Exception as error:  # a bug met by one file in 300,000 must not cost the others
            message = ("refused", f"{path}: unexpected {type(error).__name__}: {error}")
        _limit(None)
        channel.put(message)
        channel.wait_until_read()


def _answer(
    channel: Channel, work: Callable[..., Any], path: Path, arguments: tuple[Any, ...]
) -> tuple[str, Any]:
    """Send the items that the work yields; return its last message, with its result and seconds."""
    generator = work(path, *arguments)
    seconds = 0.0
    while True:
        begin = time.perf_counter()
        try:
            item = next(generator)
        except StopIteration as stop:
            return "done", (stop.value, seconds + time.perf_counter() - begin)
        seconds += time.perf_counter() - begin
        channel.put(("item", item))


def _limit(limits: Limits | None) -> None:
    """Limit this process, or lift its limits. The address space is limited on Linux only."""
    statm = Path("/proc/self/statm")
    memory = cpu = resource.RLIM_INFINITY
    if limits and limits.memory and statm.exists():
        memory = int(statm.read_text().split()[0]) * resource.getpagesize() + limits.memory
    if limits:  # a backstop: the parent ends this process sooner, but may be gone
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = int(usage.ru_utime + usage.ru_stime + min(limits.seconds, 1e9)) + 60
    for kind, wanted in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu)):
        hard = resource.getrlimit(kind)[1]
        within = hard == resource.RLIM_INFINITY or 0 <= wanted <= hard
        resource.setrlimit(kind, (wanted if within else hard, hard))


def _end_with_parent() -> None:
    """End this process when its standard input ends, which it does when the parent does.

    Linux then sends SIGIO, which ends it in any C call too.
    """
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for module in sys.argv[3:]:
        import_module(module)
    serve(Channel(int(sys.argv[1]), int(sys.argv[2]), classes=None))
