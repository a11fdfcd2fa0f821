"""Who may be mismatched with whom, and what a user is told where nobody may."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.data.corpus import NOBODY, Corpus
from videobert.pretraining.negatives import Negatives
from workfolder.errors import InputError


def corpus_of(*videos: list[int]) -> Corpus:
    """Each video says its sentences at 0, 10, 20 ... s, 5 s each, without neighbours."""
    sentences = np.concatenate([np.array(video) for video in videos])
    start = np.concatenate([10.0 * np.arange(len(video)) for video in videos])
    numbers = np.repeat(np.arange(len(videos)), [len(video) for video in videos])
    words = [np.array([sentence]) for sentence in sentences]
    following = np.full(len(words), NOBODY)
    return Corpus(words, words, numbers, start, start + 5, sentences, following)


def negatives(corpus: Corpus, margin: float = 30.0) -> Negatives:
    return Negatives(corpus, np.arange(len(corpus)), margin)


def test_another_sentence_of_another_video_or_far_away_is_mismatched() -> None:
    found = negatives(corpus_of([1, 2, 1, 3, 4, 5], [1, 2]))
    assert [other for other in range(8) if found.mismatched(0, other)] == [4, 5, 7]
    # At 0 s: the sentence of 40 s is 35 s away, that of 30 s only 25 s; sentence 1 is the same.


def test_neighbours_that_may_be_joined_count() -> None:
    corpus = corpus_of([1, 2], [3, 1])
    corpus.following[2] = 3
    found = negatives(corpus)
    assert not found.mismatched(0, 2) and found.mismatched(1, 2)


def test_draws_are_mismatched_and_every_one_is_drawn() -> None:
    found, rng = negatives(corpus_of([1, 2, 3], [1, 2, 4])), np.random.default_rng(0)
    assert {found.draw(0, rng) for _ in range(100)} == {4, 5}
    assert found.lacking() is None


def test_of_one_video_more_videos_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"0\.0 s of the only video: give more videos, a lower"):
        negatives(corpus_of([1, 2])).check()


def test_where_all_videos_say_the_same_more_of_them_are_no_advice() -> None:
    same = negatives(corpus_of([1, 2], [1, 1]), margin=1.0)
    with pytest.raises(InputError) as refusal:
        negatives(corpus_of([1], [1], [1])).check()
    assert "every other video says it" in str(refusal.value)
    assert "give videos that say other things" in str(refusal.value)
    assert "more videos" not in str(refusal.value)
    same.check()  # sentence 1 of the first video can have the pictures of sentence 2
