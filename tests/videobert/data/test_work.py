"""What is read of a work folder, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.toys.codebook import MADE_WITH, toy_codebook
from tests.toys.model import CAPTIONS, captioning_model
from tests.toys.work_folder import toy_work
from tokenization.codebook import Codebook
from tokenization.schema import TOKENS
from videobert.data.work import (
    data_digest,
    encode_clips,
    read_clips,
    read_examples,
    read_stretches,
    read_videos,
)
from workfolder.errors import InputError
from workfolder.files import write_json, write_table
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_work(tmp_path_factory.mktemp("toy"), captioning_model(), videos=2).work


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Path:
    """A work folder of one's own: two videos of ten clips, five sentences and silence."""
    return Path(shutil.copytree(made, tmp_path / "work"))


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return toy_codebook()


def test_examples_are_stretches_in_the_order_of_time(work: Path, codebook: Codebook) -> None:
    stretches = read_stretches(work, codebook)
    assert [stretch.video for stretch in stretches] == ["video_0"] * 6 + ["video_1"] * 6
    assert [stretch.text for stretch in stretches[:6]] == [*CAPTIONS, ""]
    assert (stretches[1].start, stretches[1].end) == (3.0, 6.0)
    assert stretches[1].words.tolist() == [1, 1] and stretches[1].words.dtype == np.int64


def test_a_video_has_its_clips_and_their_features_if_asked(work: Path, codebook: Codebook) -> None:
    clips = read_videos(work, codebook)["video_1"]
    assert clips.words.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] and clips.features is None
    assert clips.start[:3].tolist() == [0, 1.5, 3] and clips.end[-1] == 15
    seen = read_clips(work, "video_1", codebook, with_features=True)
    assert seen.features is not None and seen.features.shape == (10, 8)
    assert seen.mean_feature == pytest.approx(seen.features.astype(float).mean(axis=0), abs=1e-3)


def test_features_alone_are_encoded(work: Path, codebook: Codebook) -> None:
    features = Stage(work / "features")
    clips = encode_clips(features, "video_0", codebook)
    assert clips.words.tolist() == codebook.predict(clips.features, MADE_WITH).tolist()
    write_json({"made": "otherwise"}, work / "features" / "options.json")
    with pytest.raises(InputError, match="do not fit the codebook"):
        encode_clips(features, "video_0", codebook)


@pytest.mark.parametrize("wrong", [9, -1])
def test_words_beyond_the_codebook_are_refused_by_file(
    work: Path, codebook: Codebook, wrong: int
) -> None:
    path = work / "tokens" / "video_0.parquet"
    whole, field = pq.read_table(path), TOKENS.field("token")
    column = pa.array([wrong] * len(whole), field.type)
    write_table(whole.set_column(whole.column_names.index("token"), field, column), path)
    with pytest.raises(InputError, match=f"^{path} has visual words beyond the 9"):
        read_videos(work, codebook)


def test_features_of_other_clips_are_refused(work: Path, codebook: Codebook) -> None:
    path = work / "features" / "video_0.parquet"
    write_table(pq.read_table(path)[:7], path)
    with pytest.raises(InputError, match=f"^{path} has not the clips of .*tokens.*: delete that"):
        read_clips(work, "video_0", codebook, with_features=True)


def test_words_of_another_codebook_are_refused(work: Path) -> None:
    for read in (read_stretches, read_videos):
        with pytest.raises(InputError, match="another codebook"):
            read(work, toy_codebook(seed=1))


def test_a_folder_without_the_stage_names_the_verb_that_makes_it(
    tmp_path: Path, codebook: Codebook
) -> None:
    for read, stage in ((read_stretches, "examples"), (read_videos, "tokens")):
        with pytest.raises(InputError, match=f"^{tmp_path / stage} holds no .*videobert tokenize"):
            read(tmp_path, codebook)


def test_examples_with_other_columns_are_refused_by_file(work: Path) -> None:
    path = work / "examples" / "video_1.parquet"
    write_table(pq.read_table(path).drop_columns("text"), path)
    with pytest.raises(InputError, match=f"^{path} has other columns than examples have"):
        read_examples(work)


def test_the_digest_tells_names_and_sizes_of_all_files(work: Path) -> None:
    tokens, examples = Stage(work / "tokens"), Stage(work / "examples")
    before = data_digest(tokens, examples)
    assert len(before) == 16 and before == data_digest(tokens, examples) != data_digest(tokens)
    tokens.path("video_0").rename(tokens.path("video_7"))
    renamed = data_digest(tokens, examples)
    with tokens.path("video_1").open("ab") as file:
        file.write(b"\0")
    assert len({before, renamed, data_digest(tokens, examples)}) == 3
