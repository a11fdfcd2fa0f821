"""A tree that is read again finds what the estimator finds, without scikit-learn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.fitted_tree import FittedTree
from workfolder.errors import InputError


@pytest.fixture(scope="module", params=["none", "whiten"])
def fitted(request: pytest.FixtureRequest) -> HierarchicalKMeans:
    rows = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    return HierarchicalKMeans(3, 2, preparation=request.param, n_components=5).fit(rows)


def test_it_has_the_members_of_the_estimator(fitted: HierarchicalKMeans, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = FittedTree.load(tmp_path)
    rows = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float16)
    assert again.predict(rows).tolist() == fitted.predict(rows).tolist()
    np.testing.assert_array_equal(again.transform(rows), fitted.transform(rows))
    assert again.transform(rows).min() > 0 and again.transform(rows).shape == (50, 1)
    assert (again.branching, again.depth) == (3, 2)
    assert again.dead_words_.tolist() == fitted.dead_words_.tolist()
    assert again.inertia_by_level_ == fitted.inertia_by_level_
    for one, other in zip(again.sizes_, fitted.sizes_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_saved_again_it_is_the_same_bytes(fitted: HierarchicalKMeans, tmp_path: Path) -> None:
    fitted.save(tmp_path / "first")
    FittedTree.load(tmp_path / "first").save(tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    loaded = HierarchicalKMeans.load(tmp_path / "second")
    assert loaded.preparation == fitted.preparation


def test_what_does_not_fit_is_refused(fitted: HierarchicalKMeans, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again, rows = FittedTree.load(tmp_path), np.zeros((3, 8), np.float32)
    with pytest.raises(InputError, match=r"shape \(3, 7\) do not fit a codebook of width 8"):
        again.predict(rows[:, :7])
    rows[2, 1] = np.nan
    with pytest.raises(InputError, match="row 2 holds NaN"):
        again.predict(rows)


def test_a_codebook_is_read_without_scikit_learn() -> None:
    program = "import sys, tokenization.codebook; assert 'sklearn' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
