"""Builds an expensive object once and shares it between threads."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """An object that the first thread to ask for it builds. A failure to build it is kept too."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []
        self._failure: Exception | None = None

    def __call__(self) -> T:
        """Return the object. Raises what building it raised, each time."""
        with self._lock:
            if self._failure:
                # Without its traceback, which would grow with each raise.
                raise self._failure.with_traceback(None)
            if not self._made:
                try:
                    self._made.append(self._make())
                except Exception as error:
                    self._failure = error
                    raise
            return self._made[0]
