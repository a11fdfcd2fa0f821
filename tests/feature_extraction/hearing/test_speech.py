"""Sound is heard stretch by stretch, and what is heard is put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.speech import Segment, recognise
from feature_extraction.hearing.stretches import Stretch, stretches
from feature_extraction.hearing.voices import audible
from feature_extraction.schema import Word
from tests.toys.sounds import tone


def segment(text: str, start: float = 0.0, logprob: float = -0.2) -> Segment:
    words = (
        Word(f" {word}", start + place, start + place + 0.5, 0.9)
        for place, word in enumerate(text.split())
    )
    return Segment(f" {text}", 0.0, logprob, 1.2, tuple(words))


def assert_in_order(speech: Speech, seconds: float) -> None:
    """Times grow and lie within the sound."""
    assert all(before.start <= after.start for before, after in pairwise(speech.words))
    assert all(0 <= word.start <= word.end <= seconds + 1e-6 for word in speech.words)


def test_stretches_are_heard_in_turn_and_put_in_their_place() -> None:
    asked: list[tuple[int, str | None]] = []

    def hear(heard: Sequence[Stretch], language: str | None) -> tuple[list[list[Segment]], str]:
        asked.append((len(heard), language))
        if len(asked) == 1:
            return [[segment("[Music]")] for _ in heard], "cy"
        said = [segment("wir kochen Suppe", start=1.0), segment("und spät", start=400.0)]
        return [said for _ in heard], "de"

    sound = np.full(140 * SAMPLE_RATE, 0.1, np.float32)
    for second in range(28, 140, 28):
        sound[second * SAMPLE_RATE :][: SAMPLE_RATE // 2] = 0
    heard = recognise([sound], None, hear, audible, batch=2)
    starts = [stretch.origins[0] / SAMPLE_RATE for stretch in stretches([sound], audible)]
    assert asked == [(2, None), (2, None), (1, "de")] and len(starts) == 5
    assert heard.language == "de" and heard.dropped == {"sounds and marks": 2}
    assert [word.text for word in heard.words[:5]] == ["wir", "kochen", "Suppe", "und", "spät"]
    assert heard.words[0].start == starts[2] + 1 and heard.words[5].start == starts[3] + 1
    assert heard.words[4].end <= starts[3] <= heard.words[5].start
    assert_in_order(heard, 140)


def test_silence_is_not_asked_about() -> None:
    def hear(heard: Sequence[Stretch], language: str | None) -> tuple[list[list[Segment]], str]:
        raise AssertionError("there is nothing to hear")

    assert recognise([np.zeros(SAMPLE_RATE, np.float32)], None, hear, audible) == Speech(())
    assert recognise([], "en", hear, audible) == Speech(())


def test_what_has_no_space_before_it_belongs_to_the_word() -> None:
    words = (
        Word(" e", 0, 1, 0.9),
        Word("-mail", 1, 2, 0.5),
        Word(" ♪", 2, 3, 0.5),
        Word(" $", 3, 4, 0.8),
        Word("5", 4, 5, 0.9),
    )
    made = Segment(" e-mail ♪ $5", 0, 0, 1, words)
    heard = recognise([tone(6)], None, lambda heard, language: ([[made]], "en"), audible)
    assert heard.words == (Word("e-mail", 0, 2, 0.5), Word("$5", 3, 5, 0.8))
    chinese = Segment("煮汤", 0, 0, 1, (Word("煮", 0, 1, 0.9), Word("汤", 1, 2, 0.9)))
    heard = recognise([tone(3)], None, lambda heard, language: ([[chinese]], "zh"), audible)
    assert len(heard.words) == 2


def test_what_is_not_believed_is_counted() -> None:
    said = [segment("salt"), segment("oil", 1.0, logprob=-2.0)]
    heard = recognise([tone(6)], None, lambda heard, language: ([said], "en"), audible)
    assert [word.text for word in heard.words] == ["salt"]
    assert heard.dropped == {"guessed phrases": 1}
