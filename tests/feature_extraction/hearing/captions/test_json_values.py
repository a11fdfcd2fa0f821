"""Values of JSON that anybody may have written."""

from __future__ import annotations

from typing import Any

import pytest

from feature_extraction.hearing.captions.json_values import at, seconds, span, text_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (1.5, 1.5),
        ("1.400s", 1.4),
        ("2", 2.0),
        (True, None),
        (None, None),
        ("soon", None),
        (float("nan"), None),
        (1e999, None),
        (10**400, None),
        ([1], None),
    ],
)
def test_a_time_is_a_number_that_can_be_one(value: Any, expected: float | None) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"start": 1, "end": 2}, (1, 2)),
        ({"start": 1, "duration": 3}, (1, 4)),
        ({"start": 1, "end": 2, "duration": 3}, (1, 2)),
        ({"timestamp": [1, None]}, (1, None)),
        ({"offsets": {"from": 1000, "to": 2000}}, (1, 2)),
        ({"startTime": "1s", "endTime": "2s"}, (1, 2)),
        ({"end": 2}, (None, 2)),
        ({}, (None, None)),
    ],
)
def test_a_span_by_any_name(entry: dict[str, Any], expected: tuple[float | None, ...]) -> None:
    assert span(entry) == expected


def test_what_is_not_there_is_none() -> None:
    value = {"a": [{"b": 3}]}
    assert at(value, "a", 0, "b") == 3
    assert at(value, "a", 1, "b") is at(value, 0) is at(value, "a", "b") is None
    assert text_of({"text": 3, "word": "salt\0"}, ("text", "word")) == "salt"
    assert text_of([], ("text",)) == ""
