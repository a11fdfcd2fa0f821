"""What is unlike training's features is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toys.codebook import WIDTH, toy_codebook
from tokenization.codebook import Codebook
from tokenization.familiarity import FAMILIARITY_FILE, Familiarity
from workfolder.errors import InputError


def test_nearly_all_of_training_is_familiar() -> None:
    distances = np.random.default_rng(0).normal(5, 1, 10_000).astype(np.float32)
    familiar = Familiarity.of(distances)
    assert np.mean(distances > familiar.distance) == pytest.approx(0.05, abs=1e-3)
    assert not familiar.is_unlike(distances)
    far = familiar.distance + 1
    assert familiar.is_unlike(np.array([far, far, 0])) and not familiar.is_unlike(
        np.array([far, 0, 0])
    )


def test_it_is_kept_with_the_codebook(tmp_path: Path) -> None:
    codebook = replace(toy_codebook(), familiarity=Familiarity(2.5))
    codebook.save(tmp_path / "new")
    assert Codebook.load(tmp_path / "new").familiarity == Familiarity(2.5)
    toy_codebook().save(tmp_path / "old")
    assert Codebook.load(tmp_path / "old").familiarity is None
    (tmp_path / "new" / FAMILIARITY_FILE).write_text("[]")
    with pytest.raises(InputError, match="run cluster again"):
        Codebook.load(tmp_path / "new")


def test_a_clip_far_from_every_centroid_is_unlike() -> None:
    codebook = toy_codebook()
    near = codebook.tree.cluster_centers_[-1][np.flatnonzero(codebook.tree.sizes_[-1])][:4]
    knowing = replace(codebook, familiarity=Familiarity(1.0))
    assert not knowing.is_unlike(near) and knowing.is_unlike(near + 100)
    assert not codebook.is_unlike(near + 100), "nobody knows"
    assert not knowing.is_unlike(None) and not knowing.is_unlike(np.empty((0, WIDTH)))
