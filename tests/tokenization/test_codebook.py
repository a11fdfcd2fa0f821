"""Making DIR/codebook: once, by one run at a time, from features that anyone may have put there."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors import SafetensorError

from feature_extraction.schema import feature_matrix
from tests.toys.codebook import MADE_WITH, toy_codebook
from tests.toys.features import blobs, features_folder
from tests.toys.videos import grey_ramp, write_video
from tests.toys.work_folder import add_features
from tokenization.assignments import ASSIGNMENTS_FILE, Assignments
from tokenization.codebook import Codebook, cluster
from tokenization.estimators import make_estimator
from tokenization.hierarchical_kmeans import checkpoint
from tokenization.hierarchical_kmeans import tree as tree_files
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.options import ALL, CENTRES, FLAT, KINDS, VIDEOS, ClusterOptions
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.sources import Source
from workfolder.stage import Stage

SMALL = ClusterOptions(branching=3, depth=2)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with the features of three videos, which do not say where these are."""
    stage = Stage(tmp_path / "features")
    stage.claim({"weights": "random:0"})
    for video in ("a", "b", "c"):
        add_features(tmp_path, video)
    return tmp_path


def test_flat_gives_every_clip_the_nearest_of_all_words(work: Path) -> None:
    add_features(work, "d", clips=400)
    cluster(work, replace(SMALL, search=FLAT))
    codebook = Codebook.load(work / "codebook")
    table = read_table(work / "features" / "d.parquet")
    features = feature_matrix(table).astype(np.float64)
    centres = codebook.tree.tree_.projection.undo(codebook.tree.tree_.centers[-1])
    distances = ((features[:, None] - centres[None]) ** 2).sum(axis=2)
    distances[:, codebook.tree.dead_words_] = np.inf
    nearest = distances.argmin(axis=1)
    down_the_tree = replace(codebook.tree, search="tree").predict(feature_matrix(table))
    assert (down_the_tree != nearest).any()  # otherwise nothing would be tested
    made_with = Stage(work / "features").options()
    np.testing.assert_array_equal(codebook.predict(feature_matrix(table), made_with), nearest)
    known = Assignments.read(work / "codebook", codebook.digest)
    np.testing.assert_array_equal(known.words_of(work / "features" / "d.parquet"), nearest)


def test_words_of_features_that_name_no_video_stay_without_a_picture(work: Path) -> None:
    assert cluster(work, SMALL).now == 1
    pictures = Codebook.load(work / "codebook").pictures
    assert pictures.num_rows == 9 and pictures.column("jpeg").null_count == 9


def test_a_picture_is_taken_only_of_a_video_that_extract_was_given(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given, private = (
        write_video(work / f"{name}.mp4", grey_ramp(120)) for name in ("given", "private")
    )
    for video, source in {"a": given, "b": private, "c": private}.items():
        add_features(work, video, clips=2, source=source)
    (work / "link.mp4").symlink_to(given)
    Ledger(Stage(work / "features")).expect([Source("a", work / "link.mp4"), Source("b", given)])
    cluster(work, SMALL)
    rows = Codebook.load(work / "codebook").pictures.to_pylist()
    assert {row["video_id"] for row in rows if row["jpeg"]} == {"a"} and {
        row["video_id"] for row in rows
    } == {"a", "b", "c"}
    assert (
        f"extract was given {given} for b, not {private}" in caplog.text
        and "given None for c" in caplog.text
    )


@pytest.mark.parametrize("module", [checkpoint, tree_files])
def test_a_full_disk_is_told_by_the_folder(
    work: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_file", full)
        with pytest.raises(
            InputError,
            match=rf"^{work}\S* cannot be written \(.*No space left .* GB are free there\)",
        ):
            cluster(work, SMALL)
    assert not (work / "codebook").exists() and cluster(work, SMALL).now == 1


@pytest.mark.parametrize(("branching", "rows"), [(12, 4096), (1728, 442_368)])
def test_a_wide_node_is_fitted_on_many_rows_for_each_child(branching: int, rows: int) -> None:
    assert make_estimator(ClusterOptions(branching, 1)).get_params()["samples_per_node"] == rows


def test_a_second_run_is_refused_while_the_first_goes_on(work: Path) -> None:
    refused = []

    def another(stage: str, done: int, total: int, detail: str = "") -> None:
        with pytest.raises(InputError, match=r"another run .*codebook: wait for it") as refusal:
            cluster(work, SMALL)
        refused.append(refusal)

    assert cluster(work, SMALL, another).now == 1 and refused
    assert cluster(work, SMALL).before == 1


def test_what_a_kill_left_when_the_codebook_was_there_goes(work: Path) -> None:
    cluster(work, SMALL)
    (work / "codebook.unfinished").mkdir()
    assert cluster(work, SMALL).before == 1
    assert not (work / "codebook.unfinished").exists()


def test_an_unfinished_fit_of_fewer_videos_says_what_to_remove(work: Path) -> None:
    HierarchicalKMeans(3, 2).fit(work / "features", checkpoint=work / "codebook.unfinished")
    add_features(work, "d")
    with pytest.raises(
        InputError,
        match=r"codebook\.unfinished .*rows was 120 and is now 160.*; remove it to start again$",
    ):
        cluster(work, SMALL)


def test_a_codebook_says_which_of_its_features_others_are_not() -> None:
    codebook = toy_codebook()
    codebook.refuse_other_features({**MADE_WITH, "engine": "another"})
    with pytest.raises(InputError, match=r"made is 'down', not 'up', size is 1, not None; extract"):
        codebook.refuse_other_features({"made": "down", "size": 1})


def test_what_another_codebook_made_is_refused(tmp_path: Path) -> None:
    codebook, other = toy_codebook(), toy_codebook(seed=1)
    stage = Stage(tmp_path / "tokens")
    stage.claim({"codebook": codebook.digest})
    codebook.refuse_other_words(stage)
    with pytest.raises(InputError, match=rf"^{stage.folder} was made with another codebook: copy"):
        other.refuse_other_words(stage)
    with pytest.raises(InputError, match=r"^model was made with another codebook: copy it all$"):
        codebook.refuse_other_digest(None, Path("model"), "copy it all")


def test_words_beyond_the_codebook_are_refused(tmp_path: Path) -> None:
    toy_codebook().refuse_words_beyond(np.array([0, 8]), tmp_path)
    for word in (-1, 9):
        with pytest.raises(InputError, match=rf"^{tmp_path} has visual words beyond the 9 .*tok"):
            toy_codebook().refuse_words_beyond(np.array([3, word]), tmp_path)


def test_the_digest_is_that_of_the_saved_codebook(tmp_path: Path) -> None:
    codebook = toy_codebook()
    codebook.save(tmp_path)
    assert Codebook.load(tmp_path).digest == codebook.digest != toy_codebook(seed=1).digest


def test_a_killed_fit_leaves_the_same_codebook(work: Path, tmp_path: Path) -> None:
    cluster(work, SMALL)
    files = {path.name: path.read_bytes() for path in (work / "codebook").iterdir()}
    assert ASSIGNMENTS_FILE in files
    shutil.rmtree(work / "codebook")

    def kill(stage: str, done: int, total: int, detail: str = "") -> None:
        if stage == "pictures":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cluster(work, SMALL, kill)
    assert (work / "codebook.unfinished").exists() and not (work / "codebook").exists()
    cluster(work, SMALL)
    assert {path.name: path.read_bytes() for path in (work / "codebook").iterdir()} == files


def test_what_a_kill_left_within_the_last_rename_goes(work: Path) -> None:
    part = work / f".{'0' * 32}.part"
    part.mkdir()
    (part / "options.json").write_text("{}")
    os.utime(part, (0, 0))
    cluster(work, SMALL)
    assert not list(work.glob(".*"))


def test_few_clips_and_equal_clips_are_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, rows in (("few", blobs(2)), ("equal", np.repeat(blobs(1), 50, axis=0))):
        work = tmp_path / name
        Stage(work / "features").claim({})
        features_folder(rows, work / "features", 100)
        cluster(work, SMALL)
    assert [
        record.getMessage().partition(":")[0] for record in caplog.records if "only" in record.msg
    ] == [
        "only 2 of 9 visual words have clips, as there are 2 clips, equal ones included",
        "only 1 of 9 visual words have clips, as there are 50 clips, equal ones included",
    ]


@pytest.mark.parametrize("preparation", ["none", "whiten"])
def test_a_clip_that_is_not_finite_is_refused_by_its_file(work: Path, preparation: str) -> None:
    rows = blobs(10, 8)
    rows[3, 2] = np.nan
    features_folder(rows, work / "features", 10)
    with pytest.raises(
        InputError, match=r"^\S*/v000\.parquet: row 3 holds NaN or inf.*leave it out"
    ):
        cluster(work, ClusterOptions(3, 2, preparation, 4))


def test_features_of_two_widths_are_refused(work: Path) -> None:
    features_folder(blobs(10, 16), work / "features", 10)
    with pytest.raises(InputError, match=r"mixes features of \[8, 16\] numbers: cluster each"):
        cluster(work, SMALL)


@pytest.mark.parametrize(
    "changes", [{"preparation": "peeled"}, {"branching": 12, "depth": 9}], ids=str
)
def test_a_tree_that_no_run_can_grow_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="choose"):
        ClusterOptions(**changes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("centre", CENTRES)
def test_each_kind_of_codebook_is_kept_with_what_it_needs(
    work: Path, kind: str, centre: str
) -> None:
    options = ClusterOptions(3, 2, kind=kind, centre=centre)
    cluster(work, options)
    assert cluster(work, options).now == 0
    codebook = Codebook.load(work / "codebook")
    assert (codebook.centring is not None) == (centre == VIDEOS)
    codebook.save(work / "copy")
    copy = Codebook.load(work / "copy")
    assert copy.digest == codebook.digest and copy.words == 9
    made_with = Stage(work / "features").options()
    known = Assignments.read(work / "codebook", codebook.digest)
    for path in (work / "features").glob("*.parquet"):
        words = copy.predict(feature_matrix(read_table(path)), made_with)
        np.testing.assert_array_equal(words, known.words_of(path))
    with pytest.raises(InputError, match="made with other options"):
        cluster(work, ClusterOptions(3, 2, kind=kind, centre=CENTRES[centre == ALL]))


def test_options_of_the_first_version_still_name_its_codebooks() -> None:
    first = {"branching", "depth", "preparation", "components", "seed"}
    assert SMALL.provenance().keys() == first
    later = ClusterOptions(3, 2, kind="residual", centre=VIDEOS)
    assert later.provenance().keys() == first | {"kind", "centre"}


def test_the_mean_of_a_video_changes_no_word_where_it_is_taken_off(work: Path) -> None:
    cluster(work, ClusterOptions(3, 2, centre=VIDEOS))
    codebook = Codebook.load(work / "codebook")
    made_with = Stage(work / "features").options()
    features = np.random.default_rng(0).standard_normal((30_000, 8))
    words = codebook.predict(features, made_with)
    assert (codebook.predict(features + 2, made_with) == words).mean() > 0.97
    bad = features.copy()
    bad[7, 3] = np.nan
    with pytest.raises(InputError, match="row 7 holds NaN"):
        codebook.predict(bad, made_with)
