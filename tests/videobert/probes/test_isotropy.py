"""The cone: nothing where states point everywhere, all where they are copies."""

from __future__ import annotations

import numpy as np
import pytest

from tests.videobert.probes.planted import states_of
from videobert.probes.isotropy import explained, mean_cosine, measure_isotropy


def test_isotropic_states_have_no_cone_and_copies_are_all_cone() -> None:
    rng = np.random.default_rng(0)
    assert mean_cosine(rng.normal(size=(1000, 64))) == pytest.approx(0, abs=0.01)
    assert mean_cosine(np.tile(rng.normal(size=64), (9, 1))) == pytest.approx(1)
    assert explained(np.tile(rng.normal(size=64), (9, 1))) == pytest.approx(1)
    assert explained(np.eye(8)) == pytest.approx(1 / 8)


def test_all_figures_are_right_where_text_is_isotropic_and_video_one_direction() -> None:
    rng = np.random.default_rng(0)
    ids, seen = np.repeat(np.arange(1200), 5), np.repeat(np.arange(1200) >= 600, 5)
    isotropic = rng.normal(size=(6000, 64))
    copied = isotropic[ids * 5]  # each word has one state
    one_way = np.where(seen[:, None], 7 * np.eye(64)[0], isotropic)
    found = measure_isotropy(states_of(np.stack([isotropic, copied, one_way]), ids, seen))
    assert found.text.cone == pytest.approx([0, 0, 0], abs=0.01)
    assert found.text.self_similarity == pytest.approx([0, 1, 0], abs=0.01)
    assert found.text.explained is not None
    assert found.text.explained[0] == pytest.approx(0, abs=0.01)
    assert found.text.explained[1] > 0.6
    assert found.video.cone == pytest.approx([0, 0, 1], abs=0.01)
    # What all words have in common is not a word's own.
    assert found.video.self_similarity == pytest.approx([0, 1, 0], abs=0.01)
    assert found.between == pytest.approx([0, 0, 0], abs=0.01)
    assert found.gap[2] == pytest.approx(1, abs=0.02)


def test_words_that_occur_once_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(0)
    ids, seen = np.array([1, 1, 2, 3, 10, 11]), np.array([False] * 4 + [True] * 2)
    found = measure_isotropy(states_of(rng.normal(size=(2, 6, 8)), ids, seen))
    assert (found.text.words, found.text.once) == (3, 2)
    assert found.video.self_similarity is None
    assert found.video.once == found.video.words == 2
