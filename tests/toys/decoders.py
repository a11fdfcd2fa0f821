"""What a decoder might do, in the process behind a guard."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from workfolder.errors import InputError
from workfolder.guard_channel import MEMORY
from workfolder.maker import Made
from workfolder.options import Limits

VIDEO = Path("soup.mp4")
HANG = 30
"""Seconds after which whatever should have ended has not."""


def process_id(path: Path) -> int:
    return os.getpid()


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(path: Path) -> None:
    sys.exit(7)


def hang(path: Path) -> None:
    time.sleep(3600)


def hang_in_c(path: Path) -> None:
    """A C call that never lets Python's other threads run."""
    (path.parent / "pid").write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(3600)


def fall_silent(path: Path) -> None:
    """Close the channel, whose number stands on the command line, and live on."""
    os.close(int(Path("/proc/self/cmdline").read_bytes().split(b"\0")[-3]))
    time.sleep(3600)


def stop_within_a_message(path: Path) -> None:
    """Announce four kilobytes, and send none."""
    os.write(int(Path("/proc/self/cmdline").read_bytes().split(b"\0")[-3]), b"\0\0\x10\0")
    time.sleep(3600)


def eat_memory(path: Path) -> None:
    hoard = []
    while True:
        hoard.append(np.ones(2**22))


def flood(path: Path) -> str:
    for _ in range(2000):
        os.write(1, b"x" * 2**12)
        os.write(2, b"x" * 2**12)
    return "dry"


def break_down(path: Path) -> None:
    raise ZeroDivisionError("a bug")


def refuse(path: Path) -> None:
    raise InputError(f"{path} is none: mend it")


def double(path: Path, numbers: np.ndarray) -> np.ndarray:
    return numbers * 2


def give_back(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def turned(path: Path) -> np.ndarray:
    return np.arange(24).reshape(2, 3, 4)[:, ::-1].T


def limits_of(path: Path) -> Limits:
    return Limits(1.0)


def made_of(path: Path) -> Made:
    return Made(pa.table({"video_id": [path.stem]}))


def unpicklable(path: Path) -> Callable[[], None]:
    return lambda: None


def count(path: Path, times: int) -> Generator[tuple[int, np.ndarray], None, str]:
    for number in range(times):
        yield number, np.full((500, 1000), number)
    return "all"


def count_large(path: Path, times: int) -> Generator[np.ndarray, None, None]:
    for number in range(times):
        yield np.full(MEMORY + number, number, dtype=np.uint8)


def count_slowly(path: Path) -> Iterator[int]:
    number = 0
    while True:
        time.sleep(0.01)
        yield number
        number += 1


def first_then_crash(path: Path) -> Iterator[int]:
    yield 1
    os.abort()
