"""BM25 by its formula."""

from __future__ import annotations

from math import log

import pytest
from scipy.sparse import csr_array

from videobert.answers.bm25 import BM25
from workfolder.errors import InputError


def test_bm25_is_the_formula() -> None:
    index = BM25.fit(["chop chop the carrot", "boil the egg", "The onion"])
    found = (index.questions(["Chop the... unheard-of"]) @ index.weights.T).toarray()[0]
    mean = (4 + 3 + 2) / 3

    def term(count: int, seen_in: int, length: int) -> float:
        return (
            log(1 + (3 - seen_in + 0.5) / (seen_in + 0.5))
            * count
            / (count + 1.2 * (1 - 0.75 + 0.75 * length / mean))
        )

    expected = [(term(2, 1, 4) + term(1, 3, 4)) / 2, term(1, 3, 3) / 2, term(1, 3, 2) / 2]
    assert found == pytest.approx(expected)


def test_a_document_may_be_an_average_of_texts() -> None:
    texts = ["chop the carrot", "boil the egg", "boil the carrot"]
    halves = csr_array([[0.5, 0, 0.5], [0, 1, 0], [0, 0, 0]])
    mixed, plain = BM25.fit(texts, halves), BM25.fit(texts)
    carrot, egg = (mixed.questions(["carrot", "egg"]) @ mixed.weights.T).toarray()
    assert (
        carrot[0] == pytest.approx(log(1 + 1.5 / 2.5) * 1 / (1 + 1.2))
        and carrot[1] == carrot[2] == egg[2] == 0
    )
    assert egg[1] == pytest.approx((plain.questions(["egg"]) @ plain.weights.T).toarray()[0, 1])


def test_bm25_without_a_term() -> None:
    with pytest.raises(InputError, match=r"somebody speaks, .*--first-stage none"):
        BM25.fit(["", " ?"])
    index = BM25.fit(["chop"])
    assert not index.questions(["", "fly"]).toarray().any()
