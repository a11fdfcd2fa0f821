"""Values in JSON that anybody may have written: what is not of the expected type is absent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from feature_extraction.hearing.spoken import clean

LATEST = 1e9
"""A number beyond it is not believed to be a time."""

STARTS = ("start", "start_time", "startTime", "startOffset")
ENDS = ("end", "end_time", "endTime", "endOffset")
"""Names of times, by tool."""

_TEXT_TIME = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?s?")  # Amazon's "1.4", Google's "1.400s"


def at(value: Any, *path: str | int) -> Any:
    """Follow keys and places into nested values; None where there is nothing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def seconds(value: Any, unit: float = 1.0) -> float | None:
    """Convert a time in units of so many seconds; None if it cannot be one (NaN, 1e999, true)."""
    if isinstance(value, str) and _TEXT_TIME.fullmatch(value):
        value = float(value.removesuffix("s"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value * unit if -LATEST <= value <= LATEST else None


def span(entry: dict[str, Any], unit: float = 1.0) -> tuple[float | None, float | None]:
    """Return start and end of an entry in seconds, each None if it does not say.

    Args:
        entry: has a start and an end or a duration, a pair of both (transformers), or offsets in
            milliseconds (whisper.cpp).
        unit: seconds of a unit of its times.
    """
    if isinstance(pair := entry.get("timestamp"), list):
        return seconds(at(pair, 0)), seconds(at(pair, 1))
    if isinstance(offsets := entry.get("offsets"), dict):
        return seconds(offsets.get("from"), 0.001), seconds(offsets.get("to"), 0.001)
    start, end = first_number(entry, STARTS), first_number(entry, ENDS)
    length = first_number(entry, ("duration",))
    if end is None and start is not None and length is not None:
        end = start + length
    return seconds(start, unit), seconds(end, unit)


def first_number(entry: dict[str, Any], keys: Sequence[str]) -> float | None:
    """Return the first of the values that is a number; None if none is."""
    return next((n for key in keys if (n := seconds(entry.get(key))) is not None), None)


def text_of(entry: Any, keys: Sequence[str]) -> str:
    """Return the first of the values that is a text, cleaned; empty where none is."""
    texts = (at(entry, key) for key in keys)
    return clean(next((text for text in texts if isinstance(text, str)), ""))
