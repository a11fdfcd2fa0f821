"""What ResidualKMeans promises, on small things."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.tokenization.hierarchical_kmeans.test_estimator import NOT_FOR_US
from tests.toys.features import blobs, features_folder
from tokenization.hierarchical_kmeans.tree import CENTROIDS_FILE, CODEBOOK_FILE
from tokenization.residual_kmeans import estimator, fitting
from tokenization.residual_kmeans.estimator import ResidualKMeans
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def model() -> ResidualKMeans:
    return ResidualKMeans(4, 3, random_state=0).fit(blobs())


def made_of(model: ResidualKMeans) -> bytes:
    arrays = [*model.codes_.centroids, *model.sizes_, model.labels_, model.distances_]
    return b"".join(array.tobytes() for array in [*arrays, np.array(model.inertia_by_level_)])


def test_a_code_is_the_nearest_centroid_of_what_is_left(model: ResidualKMeans) -> None:
    rows = blobs()  # the fitted ones, none of whose sums is dead
    left = rows.astype(np.float64) - model.codes_.projection.mean
    codes = model.codes(model.predict(rows))
    assert codes.shape == (len(rows), 3)
    for level, centroids in enumerate(model.codes_.centroids):
        distances = np.linalg.norm(left[:, None] - centroids, axis=2)
        np.testing.assert_array_equal(codes[:, level], distances.argmin(axis=1))
        left -= centroids[codes[:, level]]
    np.testing.assert_allclose(model.transform(rows)[:, 0], np.linalg.norm(left, axis=1), rtol=1e-3)


def test_a_word_lies_at_the_sum_of_its_centroids(model: ResidualKMeans) -> None:
    alive = np.flatnonzero(model.sizes_[-1])
    codes = model.codes(alive)
    levels = model.codes_.centroids
    sums = sum(centroids[codes[:, level]] for level, centroids in enumerate(levels))
    np.testing.assert_allclose(model.tree_.centers[-1][alive], sums, rtol=1e-6)


def test_labels_sizes_and_inertia_are_those_of_the_training_rows(model: ResidualKMeans) -> None:
    rows = blobs()
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    for level, sizes in enumerate(model.sizes_):
        prefix = model.labels_ // 4 ** (2 - level)
        np.testing.assert_array_equal(np.bincount(prefix, minlength=len(sizes)), sizes)
        centers = model.cluster_centers_[level][prefix]
        expected = ((rows.astype(np.float64) - centers) ** 2).sum()
        assert model.inertia_by_level_[level] == pytest.approx(expected, rel=1e-4)
    assert model.score(rows) == pytest.approx(-model.inertia_, rel=1e-6)
    assert model.inertia_by_level_ == sorted(model.inertia_by_level_, reverse=True)


def test_dead_sums_are_never_predicted() -> None:
    model = ResidualKMeans(4, 3, random_state=0).fit(blobs(40))
    assert len(model.dead_words_)
    words = model.predict(blobs(2000, seed=3))
    assert not np.isin(words, model.dead_words_).any()


@pytest.mark.parametrize("kind", ["array", "folder"])
def test_threads_sources_and_restarts_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    features = blobs()
    source = features if kind == "array" else features_folder(features, tmp_path / "f", 70)

    def fit(jobs: int, checkpoint: Path | None = None) -> bytes:
        model = ResidualKMeans(4, 3, random_state=5, n_jobs=jobs)
        return made_of(model.fit(source, checkpoint=checkpoint))

    expected = fit(1)
    assert fit(3) == expected
    real, calls = fitting.fit_node, []

    def dies(*given: Any) -> np.ndarray:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(fitting, "fit_node", dies)
    with pytest.raises(KeyboardInterrupt):
        fit(1, checkpoint=tmp_path / "c")
    assert fit(2, checkpoint=tmp_path / "c") == expected and len(calls) == 4
    with pytest.raises(InputError, match="made with other options"):
        ResidualKMeans(3, 3, random_state=5).fit(source, checkpoint=tmp_path / "c")


def test_another_seed_gives_other_codes() -> None:
    one, other = (ResidualKMeans(4, 2, random_state=seed).fit(blobs()) for seed in (0, 1))
    assert made_of(one) != made_of(other)


@pytest.mark.parametrize("how", [{}, {"beam": 3}, {"search": "flat"}, {"device": "cpu"}], ids=str)
def test_what_is_loaded_predicts_the_same(
    model: ResidualKMeans, tmp_path: Path, how: dict[str, Any]
) -> None:
    model.save(tmp_path)
    loaded = ResidualKMeans.load(tmp_path, **how)
    same = clone(model).set_params(**how)
    same.__dict__ |= {k: v for k, v in model.__dict__.items() if k.endswith("_") or k[0] == "_"}
    rows = blobs(seed=1)
    np.testing.assert_array_equal(loaded.predict(rows), same.predict(rows))
    assert loaded.inertia_by_level_ == model.inertia_by_level_
    np.testing.assert_array_equal(loaded.dead_words_, model.dead_words_)


def test_the_file_holds_the_centroids_and_not_their_sums(tmp_path: Path) -> None:
    model = ResidualKMeans(6, 4, random_state=0).fit(blobs())
    model.save(tmp_path)
    sums = sum(level.nbytes for level in model.tree_.centers)
    assert (tmp_path / CENTROIDS_FILE).stat().st_size < sums / 4
    assert json.loads((tmp_path / CODEBOOK_FILE).read_text())["kind"] == "residual"
    content = bytearray((tmp_path / CENTROIDS_FILE).read_bytes())
    content[-5] ^= 1
    (tmp_path / CENTROIDS_FILE).write_bytes(content)
    with pytest.raises(InputError, match="is not as it was written"):
        ResidualKMeans.load(tmp_path)


@parametrize_with_checks(
    [ResidualKMeans(2, 2, random_state=0)], expected_failed_checks=lambda _: NOT_FOR_US
)
def test_it_is_an_estimator_of_scikit_learn(
    estimator: ResidualKMeans, check: Callable[[Any], None]
) -> None:
    check(estimator)


def test_the_example_is_true() -> None:
    assert doctest.testmod(estimator).failed == 0
