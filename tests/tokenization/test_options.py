"""The options of the visual vocabulary refuse what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tokenization.options import ClusterOptions, refuse_too_many_words
from workfolder.errors import InputError


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"branching": 1}, "--branching 1 will not do: give 2 or more"),
        ({"depth": 0}, "--depth 0 will not do"),
        ({"components": 0}, "--components 0 will not do"),
        ({"seed": -1}, "--seed -1 will not do"),
        ({"preparation": "peeled"}, "choose one of none, pca, whiten"),
        ({"depth": 9}, r"12\^9 words are more than int32 can number"),
    ],
)
def test_a_tree_that_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ClusterOptions(**changes)


def test_words_are_numbered_as_int32() -> None:
    refuse_too_many_words(2, 30)
    with pytest.raises(InputError, match=r"2\^31"):
        refuse_too_many_words(2, 31)
