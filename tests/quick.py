"""Chooses the tests of ``make quick``: those that open no video and start no process.

The choice derives from what a test uses. A test is left out if it, one of its fixtures, or a
function of the tests that they call names one of MODULES. A quick test that still opens a
video or starts a process fails, so that the choice cannot rot.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

MODULES = frozenset({"av", "multiprocessing", "subprocess", "workfolder.guard", "workfolder.ray_runner"})
EVENTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Audit events of Python that start a process."""


def is_quick(item: pytest.Item) -> bool:
    """Whether neither a test nor its fixtures name one of MODULES."""
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    functions = [item.function, *(fixture[-1].func for fixture in fixtures)]
    seen: set[object] = set()
    return not any(_reaches(function, seen) for function in functions)


def forbid() -> None:
    """Make every later start of a process and every opening of a video fail."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS:
            raise AssertionError(f"a quick test starts a process: {event} {arguments}")

    def opened(*arguments: Any, **named: Any) -> None:
        raise AssertionError(f"a quick test opens a video: {arguments}")

    sys.addaudithook(refuse)
    import av

    av.open = opened


def _reaches(value: Any, seen: set[object]) -> bool:
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, ModuleType):
        return value.__name__ in MODULES
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or id(value) in seen:
        return False
    seen.add(id(value))
    if module in MODULES:
        return True
    if not module.startswith("tests"):
        return False
    return any(_reaches(used, seen) or name in MODULES for name, used in _used(value))


def _used(value: Any) -> Iterator[tuple[str, Any]]:
    """The global names that a function, or a class's functions, use."""
    functions = [value] if isinstance(value, FunctionType) else vars(value).values()
    for function in functions:
        if isinstance(function, FunctionType):
            for name in _names(function.__code__):
                yield name, function.__globals__.get(name)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
