"""Each word is in one window an epoch, with its own mark, and batches follow from the step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from feature_extraction.hearing.punctuation.restorer import STOP
from tests.toys.punctuation import TOY
from videobert.finetune.punctuation.learner import PunctuationLearner
from videobert.finetune.punctuation.options import PunctuationOptions
from videobert.finetune.punctuation.training import start_run
from videobert.finetune.punctuation.transcripts import IGNORED, Transcript

SIZES = (1, 31, 32, 70)


def learner(options: PunctuationOptions = TOY) -> PunctuationLearner:
    """Its words are numbered, so that each has an id of its own."""
    every = [f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(sum(SIZES))]
    made = [part.tolist() for part in np.split(np.array(every), np.cumsum(SIZES)[:-1])]
    transcripts = [Transcript(words, np.full(len(words), STOP)) for words in made]
    found = start_run([Transcript(every * 3, np.full(3 * len(every), STOP))], options)
    return PunctuationLearner(found.restorer, transcripts, options)


@pytest.mark.parametrize("window", [1, 7, 31, 200])
def test_each_word_comes_once_an_epoch_beside_its_neighbours(window: int) -> None:
    found = learner(replace(TOY, window=window, batch_size=1))
    steps = found._epochs.steps
    for epoch in range(3):
        seen: Counter[int] = Counter()
        for step in range(epoch * steps, (epoch + 1) * steps):
            batch = found.batch(step)
            words = batch.ids[0][batch.tags[0] != IGNORED]
            assert len(words) <= window and (np.diff(words) == 1).all()
            seen.update(words.tolist())
        assert sorted(seen.values()) == [1] * sum(SIZES)


def test_windows_are_cut_anew_in_each_epoch() -> None:
    found = learner(replace(TOY, batch_size=1))
    steps = found._epochs.steps
    lengths = [
        sorted(found.batch(step).tokens for step in range(epoch * steps, (epoch + 1) * steps))
        for epoch in range(3)
    ]
    assert lengths[0] != lengths[1] or lengths[1] != lengths[2]


def test_a_batch_follows_from_the_step_alone() -> None:
    options = replace(TOY, forgotten=0.5)
    late, early = learner(options).batch(9), learner(options)
    for step in range(9):
        early.batch(step)
    assert (early.batch(9).ids == late.ids).all()


def test_forgotten_words_are_read_as_their_endings() -> None:
    whole, forgotten = (learner(replace(TOY, forgotten=share)) for share in (0.0, 1.0))
    entries = np.array(whole.restorer.vocabulary.entries)
    one, other = whole.batch(0), forgotten.batch(0)
    asked = one.tags != IGNORED
    assert not any(entry.startswith("##") for entry in entries[one.ids[asked]])
    assert all(entry.startswith("##") or entry == "[UNK]" for entry in entries[other.ids[asked]])
    assert (one.ids[~asked] == other.ids[~asked]).all()
