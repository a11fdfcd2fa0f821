"""Sound is heard piece by piece, and what is heard is put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.speech import Segment, pieces, quietest, recognise
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


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 5 * SAMPLE_RATE), max_size=12), st.sampled_from([2.0, 3.7, 9.0]))
def test_pieces_are_the_sound_and_nothing_is_lost_between_them(
    runs: list[int], seconds: float
) -> None:
    sound = np.random.default_rng(sum(runs)).normal(size=sum(runs)).astype(np.float32)
    made = list(pieces(np.split(sound, np.cumsum(runs)[:-1]) if runs else [], seconds))
    assert np.array_equal(
        np.concatenate([np.empty(0, np.float32), *(piece for _, piece in made)]), sound
    )
    begin = 0
    for start, piece in made:
        assert start == begin / SAMPLE_RATE and 0 < len(piece) <= seconds * SAMPLE_RATE
        begin += len(piece)
    assert all(len(piece) >= seconds / 2 * SAMPLE_RATE for _, piece in made[:-1])


def test_a_piece_ends_where_it_is_quiet() -> None:
    sound = np.random.default_rng(0).normal(size=30 * SAMPLE_RATE).astype(np.float32)
    for second in (7.3, 14.0):
        sound[int(second * SAMPLE_RATE) :][: int(0.4 * SAMPLE_RATE)] *= 0.01
    starts = [start for start, _ in pieces([sound], 10.0)]
    assert starts[1] == pytest.approx(7.5, abs=0.06) and starts[2] == pytest.approx(14.2, abs=0.06)


def test_the_quietest_moment_of_next_to_nothing() -> None:
    assert quietest(np.ones(10, np.float32)) == 5
    assert 0 < quietest(np.zeros(SAMPLE_RATE, np.float32)) < SAMPLE_RATE


def test_pieces_are_heard_in_turn_and_put_in_their_place() -> None:
    asked: list[str | None] = []

    def hear(piece: np.ndarray, language: str | None) -> tuple[Sequence[Segment], str]:
        asked.append(language)
        if len(asked) == 1:
            return [segment("[Music]")], "cy"
        return [
            segment("wir kochen Suppe", start=1.0),
            segment("und", start=0.2),
            segment("spät", start=400.0),
        ], "de"

    sound = np.full(280 * SAMPLE_RATE, 0.1, np.float32)
    sound[115 * SAMPLE_RATE : 120 * SAMPLE_RATE] = 0
    heard = recognise([sound], None, hear)
    starts = [start for start, _ in pieces([sound])]
    assert (
        asked == [None, None, "de"]
        and heard.language == "de"
        and heard.dropped == {"sounds and marks": 1}
    )
    assert [word.text for word in heard.words[:5]] == ["wir", "kochen", "Suppe", "und", "spät"]
    assert heard.words[0].start == starts[1] + 1 and heard.words[3].start == starts[1] + 3
    assert heard.words[4].end <= starts[2] <= heard.words[5].start
    assert_in_order(heard, 280)


def test_silence_is_not_asked_about() -> None:
    def hear(piece: np.ndarray, language: str | None) -> tuple[Sequence[Segment], str]:
        raise AssertionError("there is nothing to hear")

    assert recognise([np.zeros(SAMPLE_RATE, np.float32)], None, hear) == Speech(())
    assert recognise([], "en", hear) == Speech(())


def test_what_has_no_space_before_it_belongs_to_the_word() -> None:
    words = (
        Word(" e", 0, 1, 0.9),
        Word("-mail", 1, 2, 0.5),
        Word(" ♪", 2, 3, 0.5),
        Word(" $", 3, 4, 0.8),
        Word("5", 4, 5, 0.9),
    )
    made = Segment(" e-mail ♪ $5", 0, 0, 1, words)
    heard = recognise([tone(6)], None, lambda piece, language: ([made], "en"))
    assert heard.words == (Word("e-mail", 0, 2, 0.5), Word("$5", 3, 5, 0.8))
    chinese = Segment("煮汤", 0, 0, 1, (Word("煮", 0, 1, 0.9), Word("汤", 1, 2, 0.9)))
    assert len(recognise([tone(3)], None, lambda piece, language: ([chinese], "zh")).words) == 2


def test_what_is_not_believed_is_counted() -> None:
    said = [segment("salt"), segment("oil", 1.0, logprob=-2.0)]
    heard = recognise([tone(6)], None, lambda piece, language: (said, "en"))
    assert [word.text for word in heard.words] == ["salt"]
    assert heard.dropped == {"guessed phrases": 1}
