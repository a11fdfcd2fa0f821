"""Every stage makes of shards what it makes of files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from feature_extraction.schema import TRANSCRIPTS
from tests.toys.command_line import Run
from tests.toys.features import blobs, features_folder
from tokenization.codebook import cluster
from tokenization.options import ClusterOptions, TokenizeOptions
from tokenization.tokens import tokenize
from videobert import pipeline
from videobert.data.work import data_digest
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.files import read_table, write_table
from workfolder.stage import Stage

NOUNS = "onion carrot leek apple egg pan cheese bread rice fish bean plum".split()
VIDEOS, CLIPS = len(NOUNS), 40
MADE = ClusterOptions(branching=3, depth=2)
TRAINED = PretrainOptions(init="none", size="tiny", steps=3, batch_size=4, max_length=48)


def make_work(work: Path) -> Path:
    features_folder(blobs(VIDEOS * CLIPS), work / "features", CLIPS)
    Stage(work / "features").claim({"width": 16})
    Stage(work / "transcripts").claim({"listener": "nobody"})
    for video in Stage(work / "features").done():
        rows = [
            {
                "video_id": video,
                "index": n,
                "start": 6.0 * n,
                "end": 6.0 * n + 5,
                "text": f"now {'cut wash fry'.split()[n % 3]} the {NOUNS[int(video[1:])]}",
                "source": "captions:x",
                "words": [],
            }
            for n in range(9)
        ]
        table = pa.Table.from_pylist(rows, schema=TRANSCRIPTS)
        write_table(table, Stage(work / "transcripts").path(video))
    return work


def street(work: Path, packed: bool) -> dict[str, object]:
    """Go through all stages, each packed before the next begins, and return all that was made."""

    def pack() -> None:
        assert not any(report.left for report in pipeline.pack(work)) if packed else True

    make_work(work)
    pack()
    cluster(work, MADE)
    assert all(report.complete for report in tokenize(work, options=TokenizeOptions(near_words=4)))
    pack()
    pretrain(work, work / "model", TRAINED)
    stages = {name: Stage(work / name) for name in pipeline.VIDEO_STAGES}
    assert all(bool(stage.loose()) != packed for stage in stages.values())
    made = {
        f"{name}/{video}": read_table(stage.path(video))
        for name, stage in stages.items()
        for video in stage.done()
    }
    files = ("codebook/centroids.safetensors", "codebook/assignments.parquet")
    made |= {name: (work / name).read_bytes() for name in (*files, "model/model.safetensors")}
    return made | {"digest": data_digest(stages["tokens"], stages["examples"])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")


def test_a_packed_street_makes_the_same_bytes(folder: Path) -> None:
    assert street(folder / "packed", True) == street(folder / "loose", False)


def test_a_finished_street_stays_finished_when_it_is_packed(folder: Path) -> None:
    work = folder / "loose"
    list(pipeline.pack(work))
    assert cluster(work, MADE).now == 0
    assert [report.now for report in tokenize(work)] == [0, 0]
    assert pretrain(work, work / "model", TRAINED).now == 0


def test_what_is_made_of_features_that_are_newer_is_made_again(folder: Path) -> None:
    work = folder / "packed"
    features = Stage(work / "features")
    path = features.path("v003")
    write_table(read_table(path), path)
    later = time.time() + 5
    os.utime(path, (later, later))
    tokens, examples = tokenize(work)
    assert (tokens.now, examples.now) == (1, 1)
    assert Stage(work / "tokens").loose() == ["v003"]


def test_the_command_packs_tells_and_verifies(folder: Path, videobert: Run) -> None:
    work = make_work(folder / "told")
    done = videobert("pack", work)
    assert done.status == 0 and "features: 12 files are now in 1 shards" in done.out
    assert "nothing to pack" in videobert("pack", work).out
    assert videobert("status", "--work", work, "--verify").status == 0
    (shard,) = (work / "features" / "packed").glob("00000-????????.parquet")
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    told = videobert("status", "--work", work, "--verify")
    assert told.status == 1 and f"damaged: {shard} is not as it was written" in told.out
    assert videobert("pack", folder / "nowhere").status == 2
