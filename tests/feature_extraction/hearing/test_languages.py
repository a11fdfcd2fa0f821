"""A language has one short name, and a script has spaces or not."""

from __future__ import annotations

import pytest

from feature_extraction.hearing.languages import SPOKEN, short_language, unspaced_characters


@pytest.mark.parametrize(
    ("tag", "short"),
    [
        ("en", "en"),
        ("eng", "en"),
        ("en-US", "en"),
        ("pt_BR", "pt"),
        ("ger", "de"),
        ("deu", "de"),
        ("und", None),
        (None, None),
    ],
)
def test_a_language_has_one_short_name(tag: str | None, short: str | None) -> None:
    assert short_language(tag) == short


def test_the_languages_are_those_of_whisper() -> None:
    from whisper.tokenizer import LANGUAGES

    assert set(LANGUAGES) == SPOKEN


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("salt", 0),
        ("Käse", 0),
        ("소금", 0),
        ("соль", 0),
        ("加一点盐。", 4),
        ("ใส่เกลือ", 8),
        ("フライ", 3),
    ],
)
def test_characters_of_scripts_without_spaces(text: str, count: int) -> None:
    assert unspaced_characters(text) == count
