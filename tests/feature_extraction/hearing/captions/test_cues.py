"""Which words a text holds, and when those with a mark begin."""

from __future__ import annotations

from collections import Counter

import pytest

from feature_extraction.hearing.captions.cues import Token, tokens_of
from feature_extraction.hearing.spoken import MARK


def test_a_mark_gives_the_next_word_its_time() -> None:
    text = f"add {MARK}salt{MARK} {MARK}> now oil"
    tokens = tokens_of(text, (1.0, 2.0, 3.0), Counter())
    assert tokens == [
        Token("add"),
        Token("salt", 1.0),
        Token("now", 3.0),
        Token("oil"),
    ]


def test_a_mark_inside_a_word_is_ignored() -> None:
    assert tokens_of(f"sal{MARK}t", (1.0,), Counter()) == [Token("salt")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("卵を割ります。よく混ぜます！次", ["卵を割ります。", "よく混ぜます！", "次"]),
        ("「混ぜて。」と言う", ["「混ぜて。」と言う"]),
        ("把鸡蛋打进碗里", ["把鸡蛋打进碗里"]),
    ],
)
def test_a_sentence_without_spaces_is_a_word(text: str, words: list[str]) -> None:
    assert [token.text for token in tokens_of(text, (), Counter())] == words


def test_what_is_not_spoken_is_counted() -> None:
    dropped = Counter[str]()
    assert [token.text for token in tokens_of("- [Music] salt ♪", (), dropped)] == ["salt"]
    assert dropped == {"sounds and marks": 3}
