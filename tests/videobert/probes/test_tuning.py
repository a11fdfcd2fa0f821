"""What tuning changed: nothing between equal models."""

from __future__ import annotations

import numpy as np
import pytest

from tests.videobert.probes.planted import states_of
from videobert.probes.tuning import compare_layers
from workfolder.errors import InputError


def test_equal_models_are_alike_a_turned_layer_only_by_cka_and_a_drawn_one_not_at_all() -> None:
    rng = np.random.default_rng(0)
    layers = rng.normal(size=(3, 2000, 16))
    turn, _ = np.linalg.qr(rng.normal(size=(16, 16)))
    others = np.stack([layers[0], layers[1] @ turn, rng.normal(size=(2000, 16))])
    ids, seen = np.arange(2000), np.ones(2000, dtype=bool)
    own = states_of(layers, ids, seen)
    same = compare_layers(own, own)
    assert same.cka == pytest.approx([1] * 3, abs=1e-6)
    assert same.cosine == pytest.approx([1] * 3, abs=1e-6)
    found = compare_layers(own, states_of(others, ids, seen))
    assert found.cka == pytest.approx([1, 1, 0], abs=0.03)
    assert found.cosine[0] == pytest.approx(1)
    assert abs(found.cosine[1]) < 0.5
    assert found.cosine[2] == pytest.approx(0, abs=0.03)


def test_models_of_other_shapes_are_refused() -> None:
    ids, seen = np.arange(4), np.ones(4, dtype=bool)
    own, other = (states_of(np.ones((layers, 4, 2)), ids, seen) for layers in (2, 3))
    with pytest.raises(InputError, match="--other has 2 layers of 2, the model 1 of 2"):
        compare_layers(own, other)
