"""Stretches to caption: which a work folder says, which annotations have, and which are seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.toys.model import CAPTIONS, captioning_model
from tests.toys.work_folder import ToyWork, toy_work
from videobert.data.captioned import (
    annotated_stretches,
    heard_in,
    known_videos,
    look_up,
    spoken_stretches,
)
from videobert.data.stretches import Stretch
from videobert.data.youcook2 import TRAINING
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return captioning_model()


@pytest.fixture(scope="module")
def toy(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> ToyWork:
    return toy_work(tmp_path_factory.mktemp("toy"), model)


def test_stretches_have_the_words_and_the_mean_feature_of_their_time(
    toy: ToyWork, model: TrainedModel
) -> None:
    codebook = model.processor.codebook
    seen = look_up(spoken_stretches(toy.work), toy.work, codebook, with_features=True)
    assert seen.sentences == [*CAPTIONS] * 5
    assert seen.videos[::5] == [f"video_{n}" for n in range(5)] and seen.unseen == 0
    assert [s.words.tolist() for s in seen.stretches[:5]] == [[n, n] for n in range(5)]
    table = read_table(Stage(toy.work / "features").path("video_1"))
    features = np.stack(table.column("feature").to_numpy()).astype(np.float32)
    assert np.allclose(seen.stretches[6].feature, features[2:4].mean(axis=0), atol=1e-5)


def test_annotated_stretches_without_a_clip_or_a_video_are_counted(
    toy: ToyWork, model: TrainedModel
) -> None:
    stretches = annotated_stretches(toy.annotations, TRAINING)
    seen = look_up(stretches, toy.work, model.processor.codebook, with_features=False)
    assert len(stretches) == 30 and len(seen.stretches) == 20
    assert seen.unseen == 4 and seen.missing == ("absent_one",)
    assert all(stretch.feature is None for stretch in seen.stretches)


def test_a_subset_that_is_absent_is_refused_by_name(toy: ToyWork) -> None:
    with pytest.raises(InputError, match=rf"^{toy.annotations} has no segment of the subset 'tes"):
        annotated_stretches(toy.annotations, "testing")


def test_a_folder_in_which_nobody_speaks_needs_annotations(tmp_path: Path) -> None:
    from tests.toys.work_folder import make_work

    with pytest.raises(InputError, match=r"nobody speaks in .*: give --annotations FILE"):
        spoken_stretches(make_work(tmp_path, videos=1, spoken=False))


def test_a_video_is_known_by_its_id_or_its_youtube_id() -> None:
    there = ["sandwich%20GLd3aX16zBg", "step_1"]
    assert known_videos(there, ["GLd3aX16zBg", "step_1", "elsewhere"]) == {
        "GLd3aX16zBg": "sandwich%20GLd3aX16zBg",
        "step_1": "step_1",
    }


def test_what_is_said_in_a_stretch_has_its_middle_there(tmp_path: Path) -> None:
    rows = [
        {"start": 0.0, "end": 2.0, "text": "we stir"},
        {"start": 2.0, "end": 4.0, "text": "the soup"},
        {"start": 9.0, "end": 12.0, "text": "and wait"},
    ]
    path = tmp_path / "transcripts/show%20%5Babcdefghij1%5D.parquet"
    write_table(pa.Table.from_pylist(rows), path)
    stretches = [Stretch("abcdefghij1", 0, 5), Stretch("abcdefghij1", 5, 9), Stretch("other", 0, 9)]
    assert heard_in(stretches, tmp_path) == ["we stir the soup", "", ""]
    assert heard_in(stretches[2:], tmp_path) is None
