"""Counts of words and of pairs of words."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.evaluation.ngrams import NGrams


def test_the_bigram_falls_back_on_the_unigram() -> None:
    counts = NGrams.fit([[0, 1, 0, 1, 0, 2], [4, 4, 4]], step=1, words=6)
    assert counts.unigram(1)[0] * 9 == pytest.approx([3, 2, 1, 0, 3, 0])
    known, unknown = counts.bigram(np.array([0, 5]))
    assert known.argsort()[::-1][:2].tolist() == [
        1,
        2,
    ]  # twice and once after 0, though 4 is commoner than either
    assert (
        unknown.argmax() == counts.counts.argmax()
        and (unknown.argsort() == counts.unigram(1)[0].argsort()).all()
    )
    two_ahead = NGrams.fit([[0, 1, 0, 1, 0, 2], [4, 4, 4]], step=2, words=6)
    assert two_ahead.following.toarray()[0].tolist() == [2, 0, 0, 0, 0, 0]
    assert NGrams.fit([[3]], step=2, words=6).bigram(np.array([3])).argmax() == 3
