"""Any file is read or refused, whatever is in it, and in a time that grows with its size only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.feature_extraction.hearing.captions.caption_files import assert_sound, read, rolling
from tests.toys.growth import assert_not_quadratic
from workfolder.errors import InputError

in_one_folder = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEEDS = {
    ".vtt": rolling([["beat", "the", "eggs"], ["fold", "in"]]),
    ".srt": "1\n00:00:01,000 --> 00:00:02,000\nhi &amp; {\\an8}<i>you</i>\n\n"
    "2\n00:00:02,000 --> 00:00:03,000\nbye\n",
    ".json3": json.dumps(
        {"events": [{"tStartMs": 5, "dDurationMs": 9, "segs": [{"utf8": "hi", "tOffsetMs": 1}]}]}
    ),
    ".json": json.dumps(
        [{"start": 1, "end": 2, "words": [{"word": "hi", "start": 1, "end": 2}, {"word": "50"}]}]
    ),
}
PIECES = [
    "-->",
    "<",
    ">",
    "00:00:01.000",
    "\n",
    "\n\n",
    " ",
    "-",
    "&#x",
    "&lt;",
    "[",
    "]",
    "{",
    "}",
    '"',
    "1e999",
    "null",
]
PIECES += [
    "NaN",
    "99999:59:59",
    "\0",
    "\ufeff",
    "\u2028",
    "é",
    "NOTE",
    "\\ud800",
    ",",
    "<00:00:00.500>",
    "9" * 30,
]


PIECES += [
    "(",
    ")",
    ":",
    "WEBVTT",
    "A:",
    "\r\r\n",
    "<br>",
    "。",
    "卵",
    "X-TIMESTAMP-MAP=LOCAL:00:01",
    "[1]",
]


@settings(in_one_folder, max_examples=250)
@given(suffix=st.sampled_from(sorted(SEEDS)), data=st.data())
def test_any_mutated_file_is_read_or_refused(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    content = SEEDS[suffix]
    for _ in range(data.draw(st.integers(1, 6))):
        first = data.draw(st.integers(0, len(content)))
        last = min(first + data.draw(st.integers(0, 8)), len(content))
        content = (
            content[:first]
            + data.draw(st.sampled_from(PIECES) | st.text(max_size=4))
            + content[last:]
        )
    try:
        found = read(tmp_path, content.encode("utf-8", "surrogatepass"), f"talk{suffix}")
    except InputError as error:
        assert "talk" in str(error)
    else:
        assert_sound(found)


@in_one_folder
@given(content=st.binary(max_size=200), suffix=st.sampled_from(sorted(SEEDS)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    try:
        assert_sound(read(tmp_path, content, f"talk{suffix}"))
    except InputError as error:
        assert "talk" in str(error)


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "[",
        "a<00:01.000>",
        "word ",
        "[&#0;",
        "{\\",
        "ab\n",
        "&#1",
        "00:01.000 --> 00:02.000\nhi\n",
        "\n",
        "(",
        "A: ",
        "A:\n",
        "1\n\n",
        "WEBVTT\n\n",
        "卵。",
    ],
)
def test_time_grows_no_faster_than_the_file(tmp_path: Path, unit: str) -> None:
    assert_not_quadratic(lambda size: read_long_cue(tmp_path, unit, size), 15_000)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["<", "a<00:01.000>", "[&#0;"])
def test_time_grows_no_faster_than_the_file_up_to_48_mb(tmp_path: Path, unit: str) -> None:
    assert_not_quadratic(lambda size: read_long_cue(tmp_path, unit, size), 3_000_000)


def read_long_cue(folder: Path, unit: str, size: int) -> None:
    """Read one cue of so many bytes."""
    read(folder, "WEBVTT\n\n00:00.000 --> 99999:59:59.000\n" + unit * (size // len(unit)))
