"""WebVTT and SubRip: which lines are times, which are text, which are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.feature_extraction.hearing.captions.caption_files import (
    assert_sound,
    clock,
    read,
    srt,
    texts,
    times,
    vtt,
)
from workfolder.errors import InputError


def test_styles_notes_and_settings_are_not_text(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "WEBVTT - soup\nLanguage: pt-BR\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nNOTE\n"
        "00:01 --> 00:02 none\n\nintro\n00:01.000 --> 00:02.000 line:0 align:end\nsalt\n\n"
        "NOTE to the editor\n\n00:02.000 --> 00:03.000\nNOTE this\n",
    )
    assert texts(found) == ["salt", "NOTE", "this"]
    assert found.language == "pt-BR" and not found.dropped


def test_a_timing_line_begins_a_cue_without_a_blank_line_before(tmp_path: Path) -> None:
    content = "1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n"
    assert texts(read(tmp_path, content, "talk.srt")) == ["one", "two"]


@pytest.mark.parametrize("name", ["talk.srt", "talk.vtt"])
@pytest.mark.parametrize(
    "text",
    ["crack it\n\nand stir.", "\ncrack it and stir.", "crack it\n\n\nand\n\nstir."],
)
def test_a_blank_line_does_not_end_a_cue(tmp_path: Path, name: str, text: str) -> None:
    make = srt if name.endswith("srt") else vtt
    found = read(tmp_path, make((1, 3, text), (4, 6, "whisk it.")), name)
    assert texts(found) == ["crack", "it", "and", "stir.", "whisk", "it."]
    assert times(found)[3][1] == 3 and times(found)[4][0] == 4 and not found.dropped


def test_every_line_that_is_doubled_is_read(tmp_path: Path) -> None:
    doubled = srt((1, 2, "one"), (2, 3, "two")).replace("\n", "\n\n")
    assert texts(read(tmp_path, doubled, "talk.srt")) == ["one", "two"]


@pytest.mark.parametrize("make", [srt, vtt])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends(tmp_path: Path, make, newline: str) -> None:
    content = make((1, 2, "one\ntwo"), (3, 4, "three")).replace("\n", newline)
    found = read(tmp_path, content, f"talk.{make.__name__}")
    assert texts(found) == ["one", "two", "three"]


def test_numbers_are_text_unless_times_follow(tmp_path: Path) -> None:
    found = read(tmp_path, srt((1, 2, "count\n3\n2"), (3, 4, "1")) + "\n3\n", "talk.srt")
    assert texts(found) == ["count", "3", "2", "1"]
    assert found.dropped == {"lines without times": 1}  # a cue that was cut off


def test_a_name_is_not_text_in_webvtt_and_is_in_subrip(tmp_path: Path) -> None:
    cues = "00:00:01.000 --> 00:00:02.000\nsalt\n\nd0c4/14-0\n00:00:02.000 --> 00:00:03.000\noil\n"
    assert texts(read(tmp_path, f"WEBVTT\n\n{cues}")) == ["salt", "oil"]
    assert texts(read(tmp_path, cues, "talk.srt")) == ["salt", "d0c4/14-0", "oil"]


def test_times_that_overlap_run_backwards_or_lie_before_the_start(tmp_path: Path) -> None:
    cues = [
        (5, 9, "third fourth"),
        (-1, 2, "first"),
        (1, 6, "second"),
        (8, 7, "fifth"),
        (99999 * 3600 + 3599, 0, "end"),
    ]
    lines = [
        f"{'-' * (start < 0)}{clock(abs(start))} --> {clock(end)}\n{text}\n"
        for start, end, text in cues
    ]
    found = read(tmp_path, "\n".join(["WEBVTT\n", *lines]))
    assert texts(found) == ["first", "second", "third", "fourth", "fifth", "end"]
    assert_sound(found)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("00:00:60,000", 60.0),
        ("00:60:00,000", 3600.0),
        ("00:00:01,0000", 1.0),
        ("00:00:01,2345", 1.2345),
        ("00:00:01,5", 1.5),
        ("00:01", 1.0),
        ("100:00:00.000", 360_000.0),
    ],
)
def test_times_as_tools_write_them(tmp_path: Path, written: str, seconds: float) -> None:
    content = f"1\n{written} --> 200:00:00,000\nsalt\n\n2\n300:00:00 --> 300:00:01\noil\n"
    found = read(tmp_path, content, "talk.srt")
    assert texts(found) == ["salt", "oil"] and found.words[0].start == seconds


def test_the_clock_of_a_stream_is_put_back(tmp_path: Path) -> None:
    header = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:01:00:00.000\n\n"
    cue = "01:00:01.000 --> 01:00:03.000\ncrack the eggs.\n\n"
    later = cue.replace("01:00:01", "02:00:04").replace("01:00:03", "02:00:06")
    pieces = header + cue + header.replace("LOCAL:01", "LOCAL:02") + later
    assert times(read(tmp_path, header + cue))[0][0] == 1
    found = read(tmp_path, pieces)  # each piece of a stream has a header of its own
    assert texts(found) == ["crack", "the", "eggs."] * 2
    assert [word.start for word in found.words[::3]] == [1, 4]


def test_lines_before_the_first_times_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "WEBVTT\n\nlost words\n\n00:01.000 --> 00:02.000\nhello\n")
    assert texts(found) == ["hello"] and found.dropped == {"lines without times": 1}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.vtt", "00:01.000 --> 00:02.000\nhi\n", "line 1: a .vtt file begins with WEBVTT"),
        ("a.vtt", "WEBVTT", "line 1: the file ends here without a cue"),
        ("a.vtt", "WEBVTT\n\nnothing\n", "line 3: the file ends here without a cue"),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:0x,000\nhi\n",
            "line 2: '00:00:01,000 --> 00:00:0x,000' is not a time",
        ),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n00:00:01 -->\n", "line 4"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n\nx --> y\n", "line 5"),
        ("a.srt", "1\n" + "9" * 5000 + ":00:01,000 --> 00:00:02,000\nhi\n", "line 2"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    with pytest.raises(InputError) as refusal:
        read(tmp_path, content, name)
    assert says in str(refusal.value) and str(tmp_path / name) in str(refusal.value)
