"""Words of captions get the times at which they are heard: all of them, in windows that fit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.alignment import (
    LEAST_SECONDS,
    MARGIN,
    align_words,
    captions_of,
    excerpts,
    lack_times,
    windows,
)
from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.captions.formats import read_captions
from feature_extraction.hearing.stretches import LONGEST_SECONDS
from feature_extraction.hearing.voices import audible
from feature_extraction.schema import Word
from tests.feature_extraction.hearing.captions.caption_files import srt

Spans = list[tuple[float, float]]
"""Of captions: seconds of silence before each, and how long it is shown."""


def words_of(path: Path, *cues: tuple[float, float, str]) -> tuple[Word, ...]:
    path.write_text(srt(*cues))
    return read_captions(path).words


def shown(spans: Spans) -> list[Word]:
    """Two words for each caption."""
    ends = list(accumulate(gap + length for gap, length in spans))
    made: list[Word] = []
    for end, (_, length) in zip(ends, spans, strict=True):
        middle, start = end - length / 2, end - length
        made += [Word("so", start, middle, begins_cue=True), Word("now", middle, end)]
    return made


SPANS = st.lists(st.tuples(st.floats(0, 4), st.floats(0.5, 35)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(SPANS)
def test_each_caption_is_wanted_in_one_window_that_fits(spans: Spans) -> None:
    captions = captions_of(shown(spans))
    made = list(windows(captions))
    fits = [one for one in captions if one.end - one.start + 2 * MARGIN <= LONGEST_SECONDS]
    assert [one for window in made for one in window.wanted] == fits
    assert all(window.end - window.begin <= LONGEST_SECONDS + 1e-6 for window in made)
    assert all(before.begin <= after.begin for before, after in pairwise(made))
    for window in made:
        assert set(window.wanted) <= set(window.captions)


@settings(deadline=None, max_examples=30)
@given(SPANS, st.integers(1, 9), st.floats(1, 60))
def test_each_window_gets_its_own_sound(spans: Spans, parts: int, seconds: float) -> None:
    sound = np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32)
    wanted = list(windows(captions_of(shown(spans))))
    made = list(excerpts(np.array_split(sound, parts), wanted))
    last = len(sound) / SAMPLE_RATE - LEAST_SECONDS
    assert [window for window, _ in made] == [w for w in wanted if w.captions[0].start <= last]
    for window, samples in made:
        first, last = (round(second * SAMPLE_RATE) for second in (window.begin, window.end))
        assert np.array_equal(samples, sound[first:last])


def test_only_captions_of_several_words_lack_times(tmp_path: Path, shared_data: Path) -> None:
    assert lack_times(words_of(tmp_path / "a.srt", (0, 2, "now we chop"), (2, 3, "so")))
    one_each = [(n, n + 0.9, word) for n, word in enumerate("now we chop it".split())]
    assert not lack_times(words_of(tmp_path / "b.srt", *one_each))
    videogrep = shared_data / "video" / "videogrep"
    assert lack_times(read_captions(videogrep / "manifesto.srt").words)
    assert not lack_times(read_captions(videogrep / "manifesto.vtt").words)
    assert not lack_times(read_captions(videogrep / "manifesto.json").words)


def evenly(sounds: Sequence[np.ndarray], texts: Sequence[Sequence[str]]) -> list[list[Word] | None]:
    """Finds a word each half second; is not sure of "um", and finds nothing beside "bang"."""
    return [
        [
            Word(text, 0.5 * n, 0.5 * n + 0.4, 1e-6 if text == "um" else 0.5)
            for n, text in enumerate(words)
        ]
        if "bang" not in words
        else None
        for words in texts
    ]


def aligned(words: Sequence[Word], batch: int = 2) -> tuple[list[Word], int]:
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * SAMPLE_RATE).astype(np.float32)
    return align_words(words, np.array_split(noise, 7), evenly, audible, batch)


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_words_stay_letter_for_letter_and_get_times(tmp_path: Path, batch: int) -> None:
    words = words_of(tmp_path / "a.srt", (5, 8, "Now, WE chop-chop"), (20, 22, "the spätzle!"))
    made, unheard = aligned(words, batch)
    assert [word.text for word in made] == [word.text for word in words] and unheard == 0
    assert [word.start for word in made] == pytest.approx([4, 4.5, 5, 19, 19.5], abs=1e-3)
    assert not any(word.begins_cue for word in made) and made[0].probability == 0.5


def test_what_is_not_heard_keeps_its_times_and_is_counted(tmp_path: Path) -> None:
    words = words_of(
        tmp_path / "a.srt", (5, 8, "now we"), (20, 22, "um um um"), (40, 45, "bang it")
    )
    made, unheard = aligned(words)
    assert made[2:] == list(words[2:]) and made[:2] != list(words[:2]) and unheard == 5
    assert [word.begins_cue for word in made] == [False, False, True, False, False, True, False]


def test_captions_after_the_end_of_the_sound_keep_their_times(tmp_path: Path) -> None:
    words = words_of(tmp_path / "a.srt", (70, 73, "now we"), (80, 82, "chop it"))
    assert aligned(words) == (list(words), 4)
    assert aligned([]) == ([], 0)


def test_no_word_starts_before_the_one_before_it(tmp_path: Path) -> None:
    words = words_of(tmp_path / "a.srt", (5, 6, "now we chop all of it"), (6, 7, "um um"))
    made, _ = aligned(words)
    assert made[5].start > 6.4
    assert all(before.start <= after.start <= after.end for before, after in pairwise(made))
