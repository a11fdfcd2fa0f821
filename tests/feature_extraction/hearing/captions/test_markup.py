"""Tags, entities and override codes."""

from __future__ import annotations

import pytest

from feature_extraction.hearing.captions.markup import read_line


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("- <v Ann>salt &amp; <b>pepper</b></v>", "- salt & pepper"),
        ("&lt;b&gt; 2 < 3", "<b> 2 < 3"),
        ("< 3 >", "< 3 >"),
        ("caf\u200bé\xa0noir", "café noir"),
        ("crack<br>the<br/>eggs<BR />now", "crack the eggs now"),
        ("a<ruby>漢<rt>かん</rt></ruby>b", "a 漢 かん b"),
        ("<p>crack</p><p>it</p>", "crack it"),
        (r"{\an8}{\fs20}crack\Nit\hnow", "crack it now"),
        ("crack\u2028it\u2029now", "crack it now"),
        ('<font color="#fff">salt</font>', "salt"),
        ("&#10;salt&nbsp;oil", "salt oil"),
    ],
)
def test_a_line_as_people_read_it(written: str, read: str) -> None:
    assert read_line(written).text == read and not read_line(written).times


def test_times_within_a_line() -> None:
    line = read_line("add<00:00:01.500><c> salt</c><00:02.250> now")
    assert line.text == "add salt now" and line.times == (1.5, 2.25)


def test_a_character_reference_of_5000_digits_is_text() -> None:
    assert read_line("&#" + "1" * 5000 + ";").text.startswith("&#111")
