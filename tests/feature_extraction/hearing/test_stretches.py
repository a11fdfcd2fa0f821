"""Of a sound the voiced stretches are heard: all of them, each once, none longer than allowed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.stretches import (
    KEPT_SECONDS,
    LONGEST_SECONDS,
    SILENCE_SECONDS,
    Stretch,
    pieces,
    stretches,
)
from feature_extraction.hearing.voices import FRAME, audible
from feature_extraction.schema import Word


def voice_and_silence(*seconds: float) -> np.ndarray:
    """Noise and silence in turn, so many seconds of each."""
    parts = [
        np.random.default_rng(place).normal(size=round(length * SAMPLE_RATE)) * (1 - place % 2) / 9
        for place, length in enumerate(seconds)
    ]
    return np.concatenate(parts).astype(np.float32)


def samples_of(stretch: Stretch) -> np.ndarray:
    """The samples of the sound that a stretch holds."""
    ends = np.append(stretch.places[1:], len(stretch.samples))
    spans = zip(stretch.origins, stretch.places, ends, strict=True)
    return np.concatenate([origin + np.arange(end - place) for origin, place, end in spans])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 5 * SAMPLE_RATE), max_size=9), st.sampled_from([0.5, 2.0, 3.7]))
def test_pieces_are_the_sound_and_nothing_is_lost_between_them(
    runs: list[int], seconds: float
) -> None:
    sound = np.arange(sum(runs), dtype=np.float32)
    made = list(pieces(np.split(sound, np.cumsum(runs)[:-1]) if runs else [], seconds))
    assert [start % FRAME for start, _ in made] == [0] * len(made)
    assert all(piece[0] == start for start, piece in made)
    joined = [np.empty(0, np.float32), *(piece for _, piece in made)]
    assert np.array_equal(np.concatenate(joined), sound)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.floats(0.1, 70), min_size=1, max_size=7))
def test_every_voiced_sample_is_in_one_stretch(seconds: list[float]) -> None:
    sound = voice_and_silence(*seconds)
    made = list(stretches(np.array_split(sound, 5), audible))
    assert all(0 < stretch.seconds <= LONGEST_SECONDS for stretch in made)
    heard = np.concatenate([samples_of(stretch) for stretch in made])
    assert (np.diff(heard) > 0).all()
    assert np.array_equal(np.concatenate([one.samples for one in made]), sound[heard])
    missing = np.setdiff1d(np.flatnonzero(sound), heard)
    assert not len(missing)


def test_a_long_silence_is_left_out_and_a_short_one_is_kept() -> None:
    (one,) = stretches([voice_and_silence(3, 1, 3)], audible)
    assert len(one.places) == 1 and one.seconds == pytest.approx(7, abs=0.1)
    (one,) = stretches([voice_and_silence(3, SILENCE_SECONDS + 5, 3)], audible)
    assert len(one.places) == 2
    assert one.seconds == pytest.approx(6 + 2 * KEPT_SECONDS, abs=0.15)


def test_a_stretch_ends_in_the_last_pause_that_fits() -> None:
    sound = voice_and_silence(100)
    for second in (7.0, 22.0, 27.0, 51.0):
        sound[int(second * SAMPLE_RATE) :][: int(0.5 * SAMPLE_RATE)] *= 0.01
    starts = [one.origins[0] / SAMPLE_RATE for one in stretches([sound], audible)]
    assert starts[1] == pytest.approx(27.25, abs=0.25)
    assert starts[2] == pytest.approx(51.25, abs=0.25)


def test_a_word_is_put_where_it_was_heard_on_this_side_of_a_silence() -> None:
    (one,) = stretches([voice_and_silence(3, 20, 3)], audible)
    border = one.places[1] / SAMPLE_RATE
    shift = one.origins[1] / SAMPLE_RATE - border
    assert one.span(1.0, 1.5) == pytest.approx((1.0, 1.5))
    assert one.span(border + 1, border + 1.5) == pytest.approx((border + shift + 1, 24.1), abs=0.1)
    # Heard over the border, it belongs to the side with its middle.
    assert one.span(border - 0.2, border + 0.1)[1] == pytest.approx(border)
    assert one.span(border - 0.1, border + 0.2)[0] == pytest.approx(border + shift)
    assert one.span(-1, 99)[0] >= 0 and one.span(98, 99)[1] <= 26.1


def test_no_word_goes_on_over_a_pause() -> None:
    (one,) = stretches([voice_and_silence(2, 0.5, 2, 0.05, 2)], audible)
    assert one.span(1.9, 2.9) == pytest.approx((2.5, 2.9), abs=0.05)  # heard too early
    assert one.span(1.2, 2.6) == pytest.approx((1.2, 2.0), abs=0.05)  # it ended long before
    assert one.span(4.3, 4.8) == (4.3, 4.8)  # a stop within it
    assert one.span(2.1, 2.4) == (2.1, 2.4)  # a voice that nobody found


def test_it_tells_for_how_long_there_is_a_voice_and_no_word() -> None:
    (one,) = stretches([voice_and_silence(10, 1, 9)], audible)
    assert one.unheard([]) == pytest.approx(19, abs=0.1)
    said = [Word("x", 0.5 * n, 0.5 * n + 0.3, 1.0) for n in range(40)]
    assert one.unheard(said) == 0
    assert one.unheard(said[:10] + said[20:]) == pytest.approx(4.6, abs=0.3)
    # Its end does not count: Whisper lets the word before a gap last until the next.
    assert one.unheard([Word("x", 0, 10), *said[20:]]) > 7


def test_voices_are_sought_in_context() -> None:
    asked: list[int] = []

    def voices(sound: np.ndarray) -> np.ndarray:
        asked.append(len(sound))
        return audible(sound)

    made = list(stretches([voice_and_silence(130)], voices))
    assert len(asked) == 2 and asked[1] > asked[0] * 10 / 120 + FRAME
    for before, after in pairwise(made):
        assert after.origins[0] == before.origins[0] + len(before.samples)
