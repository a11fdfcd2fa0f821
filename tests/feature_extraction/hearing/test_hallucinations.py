"""What a recogniser invents is left out."""

from __future__ import annotations

import pytest

from feature_extraction.hearing.hallucinations import doubt, without_loops
from feature_extraction.schema import Word
from tests.toys.growth import assert_not_quadratic


def spoken(text: str) -> list[Word]:
    return [Word(word, float(place), place + 1.0) for place, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("text", "no_speech", "logprob", "ratio", "reason"),
    [
        ("chop the onion", 0.0, -0.2, 1.2, None),
        ("chop the onion", 0.9, -0.2, 1.2, None),  # Whisper's rule: sure of the words
        ("Thank you.", 0.61, -1.01, 1.2, "phrases over silence"),
        ("chop the onion", 0.0, -1.01, 1.2, "guessed phrases"),
        ("chop chop chop", 0.0, -0.2, 2.41, "phrases that repeat themselves"),
        ("[Music]", 0.0, -0.2, 1.2, "sounds and marks"),
        (" (upbeat music)", 0.0, -0.2, 1.2, "sounds and marks"),
        ("♪ la la la ♪", 0.0, -0.2, 1.2, "sounds and marks"),
        ("...", 0.0, -0.2, 1.2, "sounds and marks"),
        ("", 0.0, -0.2, 1.2, "sounds and marks"),
        ("(really) chop it", 0.0, -0.2, 1.2, None),
    ],
)
def test_what_is_not_believed(
    text: str, no_speech: float, logprob: float, ratio: float, reason: str | None
) -> None:
    assert doubt(text, no_speech, logprob, ratio) == reason


ALPHABET = "a b c d e f g h i j k l m n o p q r s t "


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("very very very good", "very very very good"),
        ("no no no no no stop", "no stop"),
        ("we stir " + "thank you. Thank you " * 3 + "now", "we stir thank you. now"),
        ("please subscribe to my channel " * 9, "please subscribe to my channel"),
        (ALPHABET * 4 + "end", ALPHABET + "end"),
        ("", ""),
    ],
)
def test_a_loop_is_said_once(said: str, kept: str) -> None:
    words = spoken(said)
    left = without_loops(words)
    assert " ".join(word.text for word in left) == kept
    assert not left or left[0] == words[0]


def test_time_grows_no_faster_than_the_words() -> None:
    def leave_out_loops(count: int) -> None:
        words = [Word(str(place % 997), float(place), place + 1.0) for place in range(count)]
        assert len(without_loops(words)) == count

    assert_not_quadratic(leave_out_loops, 5_000)
