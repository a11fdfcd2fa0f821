"""Sounds, sung lines and names of speakers are not speech; asides are."""

from __future__ import annotations

import pytest

from feature_extraction.hearing.spoken import MARK, clean, is_sound, is_spoken, without_sounds
from tests.toys.growth import assert_not_quadratic


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("(sizzling)", ""),
        ("(upbeat\nmusic)", ""),
        ("[Music] salt [Applause]", "salt"),
        ("JOHN: crack the eggs.", "crack the eggs."),
        ("MARY: (laughs) whisk them.", "whisk them."),
        ("(laughs) MARY: whisk them.", "whisk them."),
        ("- JOHN: salt?\n- MR. LEE: Oil.", "- salt? - Oil."),
        ("- (sighs) salt\n(laughs) oil", "- salt oil"),
        (">> JOHN: CRACK THE EGGS", ">> CRACK THE EGGS"),
        ("♪ la la la ♪", ""),
        ("*sigh*", ""),
        # what is spoken
        ("CRACK THE EGGS: THEN WHISK", "CRACK THE EGGS: THEN WHISK"),
        ("add salt (or pepper) now", "add salt (or pepper) now"),
        ("Remember: whisk", "Remember: whisk"),
        ("at 9:30 go", "at 9:30 go"),
        ("(salt) and (oil) (now)", "and (oil) (now)"),
    ],
)
def test_what_is_spoken(text: str, spoken: str) -> None:
    assert " ".join(without_sounds(text).split()) == spoken


def test_every_mark_of_a_time_stays() -> None:
    text = f"{MARK}(la{MARK}ughs) JO{MARK}HN: s{MARK}alt [Mu{MARK}sic]"
    assert without_sounds(text).count(MARK) == 5


@pytest.mark.parametrize(
    ("text", "sound"), [("(hm) yes (hm)", False), ("(hm).", True), ("", False)]
)
def test_a_whole_phrase_that_is_a_sound(text: str, sound: bool) -> None:
    assert is_sound(text) == sound


@pytest.mark.parametrize(
    ("text", "spoken"),
    [("salt", True), ("50", True), ("&", True), ("...", False), ("♪", False), ("[Music]", False)],
)
def test_a_text_with_a_word_is_spoken(text: str, spoken: bool) -> None:
    assert is_spoken(text) == spoken


def test_characters_without_width_are_removed() -> None:
    assert clean("ca\u200bf\ufeffé\0 \ud800") == "café \ufffd"


@pytest.mark.parametrize(
    "unit", ["(", "(\n", "A:\n", "A: ", "> ", "\n", " (a)", "(a)", "[", "JOHN: (\n"]
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    assert_not_quadratic(lambda size: without_sounds(f"a:(\n{unit * (size // len(unit))}"), 30_000)
