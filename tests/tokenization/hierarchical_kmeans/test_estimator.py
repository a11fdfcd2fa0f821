"""What HierarchicalKMeans promises, on small things and on real features."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.toys.features import blobs, features_folder, made_of
from tokenization.hierarchical_kmeans import estimator, feature_source, growing, search
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.errors import InputError

REAL = Path(__file__).parents[4] / "shared/data/features/how2_resnext101/npz"

SEARCHES = [
    {},
    {"beam": 2},
    {"beam": 4},
    {"search": "flat"},
    {"device": "cpu"},
    {"device": "cpu", "beam": 4},
]
SEARCHES += [{"device": "cpu", "search": "flat"}]


@pytest.fixture(scope="module")
def model() -> HierarchicalKMeans:
    return HierarchicalKMeans(4, 3, random_state=0).fit(blobs())


# ---- words ---------------------------------------------------------------------------------------


def test_every_step_of_a_words_path_is_the_nearest_sibling(model: HierarchicalKMeans) -> None:
    rows = blobs(seed=1).astype(np.float64)
    words = model.predict(rows)
    for level, centers in enumerate(model.cluster_centers_):
        chosen = words // 4 ** (2 - level)
        siblings = (chosen // 4 * 4)[:, None] + np.arange(4)
        distances = np.linalg.norm(rows[:, None] - centers[siblings], axis=2)
        distances[model.sizes_[level][siblings] == 0] = np.inf
        np.testing.assert_array_equal(
            siblings[np.arange(len(rows)), distances.argmin(axis=1)], chosen
        )


def test_flat_search_finds_the_nearest_word_of_all(model: HierarchicalKMeans) -> None:
    rows = blobs(seed=1).astype(np.float64)
    distances = np.linalg.norm(rows[:, None] - model.cluster_centers_[-1], axis=2)
    distances[:, model.dead_words_] = np.inf
    np.testing.assert_array_equal(
        clone_fitted(model, search="flat").predict(rows), distances.argmin(axis=1)
    )


def clone_fitted(model: HierarchicalKMeans, **parameters: Any) -> HierarchicalKMeans:
    """The same codebook, searched in another way."""
    other = clone(model)
    other.__dict__ |= model.__dict__ | parameters
    return other


def test_a_beam_as_wide_as_the_tree_is_exact_and_a_wider_one_is_no_worse(
    model: HierarchicalKMeans,
) -> None:
    rows = blobs(seed=1)
    np.testing.assert_array_equal(
        clone_fitted(model, beam=16).predict(rows), clone_fitted(model, search="flat").predict(rows)
    )
    scores = [clone_fitted(model, beam=beam).score(rows) for beam in (1, 2, 4, 16)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("how", [how for how in SEARCHES if "device" in how], ids=str)
def test_torch_finds_the_same_words(model: HierarchicalKMeans, how: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rows = blobs(5000, seed=1)
    expected = clone_fitted(model, **{**how, "device": None})
    found = clone_fitted(model, **how)
    np.testing.assert_array_equal(found.predict(rows), expected.predict(rows))
    np.testing.assert_array_equal(found.predict(torch.from_numpy(rows)), expected.predict(rows))
    np.testing.assert_allclose(found.transform(rows), expected.transform(rows), rtol=1e-4)


def test_labels_sizes_and_inertia_are_those_of_the_training_rows(model: HierarchicalKMeans) -> None:
    rows = blobs()
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    for level, sizes in enumerate(model.sizes_):
        np.testing.assert_array_equal(
            np.bincount(model.labels_ // 4 ** (2 - level), minlength=len(sizes)), sizes
        )
    differences = rows.astype(np.float64) - model.cluster_centers_[-1][model.labels_]
    assert model.inertia_ == pytest.approx((differences**2).sum(), rel=1e-5)
    assert model.score(rows) == pytest.approx(-model.inertia_, rel=1e-6)
    np.testing.assert_allclose(
        model.transform(rows)[:, 0], np.linalg.norm(differences, axis=1), rtol=1e-3, atol=1e-5
    )
    assert (model.distances_ == model.transform(rows)[:, 0]).all()
    assert model.inertia_by_level_ == sorted(model.inertia_by_level_, reverse=True)


def test_ties_go_to_the_lower_word() -> None:
    model = HierarchicalKMeans(2, 1, random_state=0).fit([[0.0], [2.0]])
    for how in SEARCHES:
        assert clone_fitted(model, **how).predict([[1.0]]) == [0]


# ---- awkward features ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", SEARCHES, ids=str)
def test_dead_words_are_counted_and_never_predicted(how: dict[str, Any]) -> None:
    few = np.repeat(blobs(5), 20, axis=0)
    model = HierarchicalKMeans(4, 3, random_state=0, **how).fit(few)
    assert len(model.dead_words_) == 64 - 5
    assert model.inertia_ == 0
    words = model.predict(100 * np.random.default_rng(0).standard_normal((500, 16)))
    assert not set(words) & set(model.dead_words_)
    assert all(np.isfinite(centers).all() for centers in model.cluster_centers_)


def test_one_vector_is_one_word() -> None:
    model = HierarchicalKMeans(12, 4).fit(np.ones((1, 8), np.float16))
    assert model.sizes_[-1].sum() == 1 and len(model.dead_words_) == 12**4 - 1
    assert model.predict(np.zeros((3, 8), np.float16)).tolist() == [model.labels_[0]] * 3


def test_equal_rows_get_equal_words_and_constant_columns_do_not_matter() -> None:
    rows = np.hstack([np.repeat(blobs(50), 3, axis=0), np.full((150, 3), 7, np.float16)])
    for preparation in ("none", "pca", "whiten"):
        words = (
            HierarchicalKMeans(3, 3, preparation=preparation, n_components=8)
            .fit(rows)
            .labels_.reshape(50, 3)
        )
        assert (words == words[:, :1]).all()


def test_rows_far_from_the_origin_are_told_apart() -> None:
    near = blobs(400).astype(np.float64)
    shifted = HierarchicalKMeans(4, 2, random_state=0).fit(near + 1000)
    np.testing.assert_array_equal(
        shifted.labels_, HierarchicalKMeans(4, 2, random_state=0).fit(near).labels_
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("how", SEARCHES, ids=str)
def test_a_row_that_is_not_finite_is_named(
    model: HierarchicalKMeans, bad: float, how: dict[str, Any]
) -> None:
    rows = blobs().astype(np.float32)
    rows[321, 5] = bad
    with pytest.raises(InputError, match="row 321 holds NaN"):
        HierarchicalKMeans(4, 2).fit(rows)
    with pytest.raises(InputError, match="row 321 holds NaN"):
        clone_fitted(model, **how).predict(rows)


def test_a_row_that_is_not_finite_is_named_though_no_node_was_fitted_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growing, "PROJECTION_ROWS", 20)
    rows = blobs()
    rows[321, 5] = np.nan
    with pytest.raises(InputError, match="row 321 holds NaN"):
        HierarchicalKMeans(4, 2, samples_per_node=20).fit(rows)


def test_more_words_than_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="int32"):
        HierarchicalKMeans(12, 9).fit(blobs())


@pytest.mark.parametrize("preparation", ["none", "whiten"])
def test_the_words_of_the_fit_are_those_that_predict_finds_file_by_file(
    tmp_path: Path, preparation: str
) -> None:
    rows = blobs(5000, 24)
    folder = features_folder(rows, tmp_path, 37)
    model = HierarchicalKMeans(4, 3, preparation=preparation, n_components=8).fit(folder)
    files = [rows[start : start + 37] for start in range(0, len(rows), 37)]
    found = np.concatenate([model.predict(file) for file in files])
    assert found.tobytes() == model.labels_.tobytes()
    distances = np.concatenate([model.transform(file)[:, 0] for file in files])
    assert distances.tobytes() == model.distances_.tobytes()


# ---- out of core ---------------------------------------------------------------------------------


def test_a_folder_a_memory_map_and_an_array_give_the_same_bytes(tmp_path: Path) -> None:
    rows = blobs()
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    folder = features_folder(rows, tmp_path / "features", 70)
    expected = made_of(HierarchicalKMeans(4, 3, samples_per_node=50).fit(rows))
    assert made_of(HierarchicalKMeans(4, 3, samples_per_node=50).fit(mapped)) == expected
    assert made_of(HierarchicalKMeans(4, 3, samples_per_node=50).fit(folder)) == expected


def test_many_blocks_and_groups_find_the_words_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = blobs(3000)
    folder = features_folder(rows, tmp_path, 100)
    whole = HierarchicalKMeans(4, 3).fit(rows)
    monkeypatch.setattr(search, "BLOCK_BYTES", 1)
    monkeypatch.setattr(growing, "GROUP_BYTES", 2 * 16 * 500)
    assert len(feature_source.FolderSource(folder).blocks()) > 5
    cut = HierarchicalKMeans(4, 3).fit(folder)
    np.testing.assert_array_equal(cut.labels_, whole.labels_)
    np.testing.assert_array_equal(cut.predict(rows), whole.labels_)


def test_a_folder_names_the_file_and_the_row(tmp_path: Path) -> None:
    rows = blobs()
    rows[75] = np.nan
    with pytest.raises(InputError, match=r"v001\.parquet: row 5 holds NaN"):
        HierarchicalKMeans(4, 2).fit(features_folder(rows, tmp_path, 70))


# ---- the same bytes ------------------------------------------------------------------------------


def test_the_number_of_threads_changes_no_byte() -> None:
    rows = blobs(3000, 200)
    models = [HierarchicalKMeans(6, 3, random_state=5, n_jobs=jobs).fit(rows) for jobs in (1, 2, 7)]
    assert len({made_of(model) for model in models}) == 1
    assert made_of(HierarchicalKMeans(6, 3, random_state=6).fit(rows)) != made_of(models[0])


def test_progress_is_told_node_by_node() -> None:
    told: list[tuple[int, int]] = []
    HierarchicalKMeans(4, 3).fit(blobs(), progress=lambda done, of: told.append((done, of)))
    assert sorted(set(told)) == [(done, 21) for done in range(1, 22)]
    assert told == sorted(told)


# ---- kept ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preparation", ["none", "pca", "whiten"])
def test_a_saved_codebook_predicts_the_same(tmp_path: Path, preparation: str) -> None:
    model = HierarchicalKMeans(4, 3, preparation=preparation, n_components=8).fit(blobs())
    model.save(tmp_path)
    said = json.loads((tmp_path / "codebook.json").read_text())
    assert said["words"] == 64 and said["words_in_use"] == (model.sizes_[-1] > 0).sum()
    loaded = HierarchicalKMeans.load(tmp_path, beam=2)
    rows = blobs(seed=1)
    np.testing.assert_array_equal(loaded.predict(rows), clone_fitted(model, beam=2).predict(rows))
    assert all(
        (one == two).all()
        for one, two in zip(loaded.cluster_centers_, model.cluster_centers_, strict=True)
    )
    assert loaded.inertia_ == model.inertia_ and (loaded.dead_words_ == model.dead_words_).all()


def test_a_codebook_without_a_figure_or_with_one_too_many_is_refused(
    tmp_path: Path, model: HierarchicalKMeans
) -> None:
    model.save(tmp_path)
    said = json.loads((tmp_path / "codebook.json").read_text())
    (tmp_path / "codebook.json").write_text(
        json.dumps({key: said[key] for key in said if key != "inertia_by_level"})
    )
    with pytest.raises(InputError, match="inertia_by_level"):
        HierarchicalKMeans.load(tmp_path)
    (tmp_path / "codebook.json").write_text(
        json.dumps(said | {"parameters": said["parameters"] | {"dephth": 3}})
    )
    with pytest.raises(InputError, match="dephth"):
        HierarchicalKMeans.load(tmp_path)


def test_all_components_of_pca_keep_the_distances() -> None:
    rows = blobs()
    plain = HierarchicalKMeans(4, 1).fit(rows)
    turned = HierarchicalKMeans(4, 1, preparation="pca", n_components=16).fit(rows)
    assert turned.inertia_ == pytest.approx(plain.inertia_, rel=0.02)
    differences = (
        rows - turned.cluster_centers_[-1][turned.labels_]
    )  # centroids are told in the features' own space
    assert turned.inertia_ == pytest.approx(
        np.square(differences.astype(np.float64)).sum(), rel=1e-3
    )


# ---- scikit-learn --------------------------------------------------------------------------------

NOT_FOR_US = {
    "check_transformer_n_iter": "max_iter is for each node: there is no one number of iterations"
}


@parametrize_with_checks(
    [HierarchicalKMeans(3, 1, n_jobs=1), HierarchicalKMeans(2, 2, n_jobs=2)],
    expected_failed_checks=lambda estimator: NOT_FOR_US,
)
def test_scikit_learn_finds_nothing_amiss(
    estimator: HierarchicalKMeans, check: Callable[[Any], None]
) -> None:
    check(estimator)


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(estimator).attempted > 0 == doctest.testmod(estimator).failed


# ---- real features -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/features/how2_resnext101 is not here")
def test_real_features_are_clustered_no_worse_than_by_recursive_minibatch() -> None:
    rows = np.concatenate(
        [np.load(path)["features"] for path in sorted(REAL.glob("*.npz"))]
    ).astype(np.float32)
    model = HierarchicalKMeans(12, 2, random_state=0).fit(rows)
    root = MiniBatchKMeans(12, random_state=0).fit(rows)
    members = [rows[root.labels_ == child] for child in range(12)]
    plain = sum(
        MiniBatchKMeans(min(12, len(part)), random_state=0).fit(part).inertia_ for part in members
    )
    assert model.inertia_ < 1.01 * plain
    assert clone_fitted(model, beam=4).score(rows) >= 1.01 * clone_fitted(
        model, search="flat"
    ).score(rows)
