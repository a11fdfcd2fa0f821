"""What a command of the command line did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Exit status and output of one command."""

    status: int
    out: str
    err: str


Run = Callable[..., Result]


def assert_refused(result: Result, *parts: object) -> None:
    """One clear line on stderr that has every part; a status of its own; no traceback."""
    lines = [line for line in result.err.splitlines() if line.startswith("videobert:")]
    assert result.status == 2, result
    assert len(lines) == 1 and "Traceback" not in result.err
    for part in parts:
        assert str(part) in lines[0]
