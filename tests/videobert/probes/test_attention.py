"""What heads look at: maps of each kind get their name, and masses and distances are right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.toys.model import SENTENCES, toy_model
from videobert.probes.attention import (
    BLOCK,
    BOTH,
    DIAGONAL,
    HETEROGENEOUS,
    VERTICAL,
    Row,
    describe_heads,
    divergences,
    has_maps,
    read_maps,
)

KINDS = (DIAGONAL, VERTICAL, BOTH, BLOCK, HETEROGENEOUS)


def synthetic(kind: str, rng: np.random.Generator) -> Row:
    """A map of a kind, a quarter of it noise, of a row with some words and some clips."""
    words, clips = rng.integers(4, 20, size=2)
    sign = np.zeros(words + clips + 3, dtype=bool)
    sign[[0, words + 1, -1]] = True
    seen = (np.arange(len(sign)) > words + 1) & ~sign
    places = np.arange(len(sign))
    near = (np.abs(places[:, None] - places) <= 1) & ~sign
    block = (seen[:, None] == seen) & ~sign
    kinds = {DIAGONAL: near, VERTICAL: np.broadcast_to(sign, near.shape), BLOCK: block}
    kinds[HETEROGENEOUS] = np.ones_like(near)
    shares = {
        name: each / np.maximum(each.sum(axis=1, keepdims=True), 1) for name, each in kinds.items()
    }
    shares[BOTH] = (shares[DIAGONAL] + shares[VERTICAL]) / 2
    maps = shares[kind] + 0.25 * rng.dirichlet(np.ones(len(sign)), len(sign))
    return (maps / maps.sum(axis=1, keepdims=True))[None, None], sign, seen


@pytest.mark.parametrize("kind", KINDS)
def test_synthetic_maps_of_each_kind_are_named(kind: str) -> None:
    rng = np.random.default_rng(0)
    named = [describe_heads([synthetic(kind, rng)]).heads[0][0].kind for _ in range(40)]
    assert named == [kind] * 40


def test_shares_say_how_much_words_give_clips_and_clips_words() -> None:
    sign = np.array([1, 0, 0, 1, 0, 0, 1], dtype=bool)
    seen = np.array([0, 0, 0, 0, 1, 1, 0], dtype=bool)
    maps = np.zeros((1, 1, 7, 7))
    maps[..., 4] = 1  # all look at the first clip
    (head,) = describe_heads([(maps, sign, seen)]).heads[0]
    assert (head.to_video, head.to_text, head.vertical) == (1, 0, 0)
    assert head.diagonal == 0.5  # what clips give
    maps = np.full((1, 1, 7, 7), 1 / 7)
    found = describe_heads([(maps, sign, seen)])
    assert found.heads[0][0] == found.even
    assert found.even.to_video == pytest.approx(2 / 7)


def test_heads_are_a_bit_apart_where_they_share_nothing() -> None:
    one, other = np.eye(4), np.eye(4)[::-1]
    assert divergences(np.stack([one, other, one])) == pytest.approx(
        np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    )


def test_a_network_gives_maps_and_attends_as_before_after_it() -> None:
    model = toy_model(SENTENCES * 2)
    before = model.network.config._attn_implementation
    assert has_maps(model.network)
    rows: Iterator[Row] = read_maps(
        model, model.processor.text_ids(["fry the onion", "", "boil"]), [[1, 2], [3], []]
    )
    ((maps, sign, seen),) = rows  # only one has both
    config = model.network.config
    assert maps.shape[:2] == (config.num_hidden_layers, config.num_attention_heads)
    assert maps.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert (sign.sum(), seen.sum()) == (3, 2)
    assert model.network.config._attn_implementation == before
