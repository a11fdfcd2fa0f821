"""Making DIR/codebook: once, by one run at a time, from features that anyone may have put there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.errors import InputError
from feature_extraction.schema import feature_column, features_schema
from feature_extraction.storage import Stage, write_table
from tokenization.codebook import ClusterOptions, Codebook, cluster
from tokenization.hierarchical_kmeans import HierarchicalKMeans

SMALL = ClusterOptions(branching=3, depth=2)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with the features of three videos, which do not say where these are."""
    stage = Stage(tmp_path / "features")
    stage.claim({"weights": "random:0"})
    for video in ("a", "b", "c"):
        add_video(tmp_path, video)
    return tmp_path


def add_video(work: Path, video: str) -> None:
    features = np.random.default_rng(ord(video)).standard_normal((40, 8)).astype(np.float16)
    index = np.arange(40)
    columns = [pa.array([video] * 40), index.astype(np.int32), index * 1.5, index * 1.5 + 1.5]
    columns = [pa.array(column) for column in columns] + [feature_column(features)]
    write_table(pa.Table.from_arrays(columns, schema=features_schema(8)), work / "features" / f"{video}.parquet")


def test_words_of_features_that_name_no_video_stay_without_a_picture(work: Path) -> None:
    assert cluster(work, SMALL).now == 1
    pictures = Codebook.load(work / "codebook").pictures
    assert pictures.num_rows == 9 and pictures.column("jpeg").null_count == 9


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
    add_video(work, "d")
    with pytest.raises(InputError, match=r"codebook\.unfinished .*rows was 120 and is now 160.*; remove it, to begin anew$"):
        cluster(work, SMALL)


@pytest.mark.parametrize("changes", [{"preparation": "peeled"}, {"branching": 12, "depth": 9}], ids=str)
def test_a_tree_that_no_run_can_grow_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="choose"):
        ClusterOptions(**changes)
