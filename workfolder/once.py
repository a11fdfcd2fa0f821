"""What is dear to make, made once for all threads."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """A thing that is made when the first of many threads asks for it; that it cannot be had is remembered, too."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []
        self._failure: Exception | None = None

    def __call__(self) -> T:
        """It; whatever making it raised."""
        with self._lock:
            if self._failure:
                raise self._failure.with_traceback(None)  # which would grow with each who asks
            if not self._made:
                try:
                    self._made.append(self._make())
                except Exception as error:
                    self._failure = error
                    raise
            return self._made[0]
