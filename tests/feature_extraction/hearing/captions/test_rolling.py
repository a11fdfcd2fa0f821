"""Lines that roll and cues that grow are read once; words that are said again are kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.captions.formats import read_captions
from tests.feature_extraction.hearing.captions.caption_files import (
    read,
    rolling,
    srt,
    texts,
    times,
    vtt,
)


def test_rolling_captions_say_what_the_same_captions_say_without_rolling(shared_data: Path) -> None:
    folder = shared_data / "video" / "videogrep"
    cues = (folder / "manifesto.srt").read_text().split("\n\n")
    shown = [" ".join(cue.strip().split("\n")[2:]) for cue in cues if cue.strip()]
    expected = " ".join(shown).split()
    rolled = read_captions(folder / "manifesto.vtt")
    assert len(expected) == 206
    assert texts(rolled) == texts(read_captions(folder / "manifesto.srt")) == expected
    assert rolled.language == "en"


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.lists(st.sampled_from("a b salt it's 1/2 Käse".split()), min_size=1, max_size=4),
        max_size=8,
    )
)
def test_every_word_of_rolling_captions_comes_back_once(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    rows = [["first", "row"], *rows]
    found = read(tmp_path, rolling(rows))
    assert texts(found) == [word for row in rows for word in row]
    seconds = [index for index, row in enumerate(rows) for _ in row]
    assert [int(word.start) for word in found.words] == seconds


@pytest.mark.parametrize("row", ["salt", "add<00:01.500><c> salt</c>"])
@pytest.mark.parametrize("next_row", ["stir", "then<00:09.500><c> stir</c>"])
def test_a_line_that_rolls_on_after_a_pause_is_read_once(
    tmp_path: Path, row: str, next_row: str
) -> None:
    words, more = (re.sub(r"<[^>]*>", "", text) for text in (row, next_row))
    cues = [(1, 2, row), (2, 2.01, f"{words}\n "), (9, 10, f"{words}\n{next_row}")]
    assert texts(read(tmp_path, vtt(*cues))) == [*words.split(), *more.split()]


def test_rolling_captions_converted_to_srt_are_read_once(tmp_path: Path) -> None:
    cues = [(0, 2, "chop it"), (2, 2.01, "chop it\n "), (2.01, 4, "chop it\nand stir")]
    found = read(tmp_path, srt(*cues), "talk.srt")
    assert texts(found) == ["chop", "it", "and", "stir"] and found.dropped == {"repeated lines": 2}


def test_lines_that_roll_with_a_gap_between_cues_are_read_once(tmp_path: Path) -> None:
    cues = [
        (1.0, 1.95, "CRACK THE EGGS"),
        (2.2, 2.95, "CRACK THE EGGS\nINTO A BOWL"),
        (3.2, 4.0, "INTO A BOWL\nAND WHISK THEM."),
    ]
    found = read(tmp_path, srt(*cues), "talk.srt")
    assert " ".join(texts(found)) == "CRACK THE EGGS INTO A BOWL AND WHISK THEM."
    assert [found.words[place].start for place in (0, 3, 6)] == [1.0, 2.2, 3.2]


def test_cues_that_grow_say_each_word_when_it_first_appears(tmp_path: Path) -> None:
    cues = [(1, 2, "crack"), (2, 3, "crack the"), (3, 4, "crack the eggs")]
    found = read(tmp_path, vtt(*cues, (4, 5, "crack the eggs now.")))
    assert texts(found) == ["crack", "the", "eggs", "now."]
    assert [start for start, _ in times(found)] == [1, 2, 3, 4]
    assert found.dropped == {"repeated lines": 3}


def test_a_second_line_that_grows_says_each_word_once(tmp_path: Path) -> None:
    cues = [(1, 2, "crack the\neggs"), (2, 3, "crack the\neggs into"), (3, 4, "eggs into\na bowl")]
    assert " ".join(texts(read(tmp_path, vtt(*cues)))) == "crack the eggs into a bowl"


@pytest.mark.parametrize(
    "cues",
    [
        [(0, 2, "hey"), (2, 4, "hey")],
        [(0, 2, "Stir."), (2, 4, "Stir. Stir again.")],
        [(0, 2, "no"), (5, 6, "no salt")],
    ],
)
def test_words_that_are_said_again_are_kept(
    tmp_path: Path, cues: list[tuple[float, float, str]]
) -> None:
    said = " ".join(text for _, _, text in cues).split()
    assert texts(read(tmp_path, srt(*cues), "talk.srt")) == said
