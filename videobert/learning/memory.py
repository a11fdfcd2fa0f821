"""While a model learns, the process keeps the memory that it frees.

Each step frees hundreds of megabytes and asks for as many again. glibc gives large blocks back to
the system at once, and the system clears every page that it hands out anew.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""Parameters of glibc's mallopt, as malloc.h numbers them."""
NEVER = -1
USUAL = {MMAP_MAX: 65_536, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26}
"""glibc's own values, the thresholds where it puts them itself after large blocks were freed."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed, and give it back at the end. Nothing happens where there is no glibc."""
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(MMAP_MAX, 0)
    libc.mallopt(TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        for parameter, value in USUAL.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
