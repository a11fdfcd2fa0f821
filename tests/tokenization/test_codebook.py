"""Making DIR/codebook: once, by one run at a time, from features that anyone may have put there."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from safetensors import SafetensorError

from tests.toys.videos import grey_ramp, write_video
from tests.toys.work_folder import add_features
from tokenization.codebook import ClusterOptions, Codebook, cluster
from tokenization.hierarchical_kmeans import growing as tree_growing
from tokenization.hierarchical_kmeans import tree as tree_files
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.errors import InputError
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


@pytest.mark.parametrize("module", [tree_growing, tree_files])
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
        match=r"codebook\.unfinished .*rows was 120 and is now 160.*; remove it, to begin anew$",
    ):
        cluster(work, SMALL)


@pytest.mark.parametrize(
    "changes", [{"preparation": "peeled"}, {"branching": 12, "depth": 9}], ids=str
)
def test_a_tree_that_no_run_can_grow_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="choose"):
        ClusterOptions(**changes)
