"""When each word of a cue is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.hearing.captions.word_times import saying_time
from tests.feature_extraction.hearing.captions.caption_files import (
    read,
    rolling,
    srt,
    texts,
    times,
    vtt,
)


def test_inline_times_are_the_words_times_and_pauses_stay_silent(tmp_path: Path) -> None:
    found = read(tmp_path, rolling([["whisk", "the", "eggs"], ["then", "rest"]]))
    assert texts(found) == ["whisk", "the", "eggs", "then", "rest"]
    assert times(found) == [(0.0, 0.3), (0.3, 0.57), (0.6, 0.91), (1.0, 1.31), (1.45, 1.76)]
    assert not any(word.begins_cue for word in found.words)
    slow = read(tmp_path, vtt((0, 9, "stir<00:04.000><c> well</c>")))
    assert times(slow) == [(0.0, 0.31), (4.0, 4.31)]  # nobody says "well" for five seconds


def test_words_share_a_cue_by_their_length(tmp_path: Path) -> None:
    found = read(tmp_path, vtt((10, 12, "add\nsalted to it")))  # 3 + 6 + 2 + 2 letters
    starts = [10, 10 + 6 / 13, 10 + 18 / 13, 10 + 22 / 13]
    assert [word.start for word in found.words] == pytest.approx(starts)
    assert found.words[-1].end == 12


def test_the_first_of_several_words_in_a_cue_without_times_is_marked(tmp_path: Path) -> None:
    found = read(tmp_path, srt((0, 1, "add the"), (1, 2, "salt"), (2, 3, "now stir")), "talk.srt")
    assert [word.begins_cue for word in found.words] == [True, False, False, True, False]


def test_two_who_speak_at_once_do_not_take_turns_word_by_word(tmp_path: Path) -> None:
    found = read(tmp_path, vtt((1, 4, "hello dear friend"), (1, 3, "good day")))
    assert texts(found) == ["hello", "dear", "friend", "good", "day"]


def test_a_cue_that_stays_while_others_come_keeps_its_words_together(tmp_path: Path) -> None:
    found = read(tmp_path, vtt((0, 100, "my kitchen at home"), (2, 3, "good day")))
    assert texts(found) == ["my", "kitchen", "at", "home", "good", "day"]


def test_a_phrase_without_spaces_takes_as_long_as_its_cue(tmp_path: Path) -> None:
    found = read(tmp_path, srt((1, 3, "卵を割ります。"), (3, 5, "よく混ぜます。")), "talk.srt")
    assert times(found) == [(1, 3), (3, 5)]


def test_how_long_saying_takes() -> None:
    assert saying_time("salt") == pytest.approx(0.31)
    assert saying_time("倒进锅里") == pytest.approx(0.15 + 4 * 0.2)
