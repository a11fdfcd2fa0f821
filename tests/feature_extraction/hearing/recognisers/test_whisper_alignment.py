"""Tokens of words and their times: each word has those of its own tokens."""

from __future__ import annotations

import pytest

from feature_extraction.hearing.recognisers.whisper_alignment import (
    MOST_TOKENS,
    timed,
    tokens_of,
)


def letters(text: str) -> list[int]:
    """A token for each letter; the space before a word is one, too."""
    return [ord(letter) for letter in text]


def test_a_text_that_whisper_cannot_hold_is_left_out() -> None:
    words = ["so"] * (MOST_TOKENS // 3)
    able, tokens = tokens_of([["now", "so"], [*words, "and more"], words], letters)
    assert able == [0, 2] and [len(text) for text in tokens] == [2, len(words)]
    assert tokens[0] == [letters(" now"), letters(" so")]


def test_a_word_begins_with_its_first_token_and_ends_where_the_next_begins() -> None:
    tokens = [[1, 2], [3], [4, 5, 6]]
    starts = [0.0, 0.1, 0.2, 0.5, 0.6, 0.8, 1.0]
    first, second, third = timed(["Now", "we", "CHOP!"], tokens, starts, [0.9, 0.1, 0.5, 1, 1, 0])
    assert (first.text, first.start, first.end) == ("Now", 0.0, 0.2)
    assert (second.start, second.end) == (0.2, 0.5) and (third.start, third.end) == (0.5, 1.0)
    assert first.probability == pytest.approx(0.3) and second.probability == pytest.approx(0.5)
    assert third.probability == pytest.approx(1e-3)  # the geometric mean, of 1e-9 at least
