"""Other libraries read what was exported, from a folder and from a bucket."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest

pytest.importorskip("datasets", reason="needs datasets: pip install '.[export]'")
pytest.importorskip("lance", reason="needs pylance: pip install '.[export]'")
pytest.importorskip("webdataset", reason="needs webdataset: pip install '.[export]'")

from feature_extraction.schema import feature_matrix
from tests.toys.command_line import Run
from tests.toys.features import blobs, features_folder
from tests.toys.work_folder import make_work
from videobert.exporting import export
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.packing import pack
from workfolder.stage import Stage

VIDEOS, CLIPS = 10, 40


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features, half of them packed, one with a dot in its name; and examples."""
    work = make_work(tmp_path_factory.mktemp("export") / "work", VIDEOS)
    features = Stage(work / "features")
    features_folder(blobs(VIDEOS * CLIPS), features.folder, CLIPS)
    features.claim({"width": 16})
    pack(features)
    table = read_table(features.path("v003"))
    named = table.set_column(0, table.schema.field(0), [["a.b"] * CLIPS])
    write_table(named, features.path("a.b"))
    return work


def rows(work: Path, stage: str) -> list[dict[str, object]]:
    found = Stage(work / stage)
    return [row for video in found.done() for row in read_table(found.path(video)).to_pylist()]


def test_webdataset_reads_videos(work: Path, tmp_path: Path) -> None:
    from webdataset import WebDataset

    stages = ("features", "examples", "tokens")
    report = export(work, str(tmp_path / "out"), "webdataset", stages, shard_bytes=20_000)
    tars = sorted(str(path) for path in (tmp_path / "out").glob("*.tar"))
    assert len(tars) == len(report.files) - 1 > 1
    assert report.stages == {"features": 11 * CLIPS, "examples": len(rows(work, "examples"))}
    samples = list(WebDataset(tars, shardshuffle=False).decode())
    by_video = {sample["json"]["video_id"]: sample for sample in samples}
    assert by_video.keys() == {*Stage(work / "features").done(), *Stage(work / "examples").done()}
    for video in Stage(work / "features").done():
        table = read_table(Stage(work / "features").path(video))
        assert np.array_equal(by_video[video]["features.npy"], feature_matrix(table))
        assert [row["start"] for row in by_video[video]["features.json"]] == table[
            "start"
        ].to_pylist()
    said = [row["text"] for row in by_video["v3"]["examples.json"]]
    assert said == [row["text"] for row in rows(work, "examples") if row["video_id"] == "v3"]
    export(work, str(tmp_path / "again"), "webdataset", stages, shard_bytes=20_000)
    assert [Path(tar).read_bytes() for tar in tars] == [
        path.read_bytes() for path in sorted((tmp_path / "again").glob("*.tar"))
    ]


def test_datasets_reads_rows(work: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    place = str(tmp_path / "out")
    export(work, place, "datasets", ("features", "examples"), shard_bytes=5_000)
    for stage in ("features", "examples"):
        read = load_dataset(place, stage, split="train", cache_dir=str(tmp_path / "cache"))
        found, wanted = read.to_list(), rows(work, stage)
        assert len(found) == len(wanted)
        assert [row["video_id"] for row in found] == [row["video_id"] for row in wanted]
    assert found == wanted


def test_lance_reads_rows(work: Path, tmp_path: Path) -> None:
    import lance

    place = tmp_path / "out"
    export(work, str(place), "lance", ("features", "examples"))
    for stage in ("features", "examples"):
        assert lance.dataset(str(place / f"{stage}.lance")).to_table().to_pylist() == rows(
            work, stage
        )


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/out", recursive=True)


@pytest.mark.parametrize("format", ["webdataset", "datasets", "lance"])
def test_any_place_of_fsspec_will_do(
    work: Path, tmp_path: Path, memory: fsspec.AbstractFileSystem, format: str
) -> None:
    report = export(work, "memory://out", format, ("examples",))
    export(work, str(tmp_path / "out"), format, ("examples",))
    if format != "lance":  # it names files by chance
        for name in report.files:
            assert memory.cat(f"/out/{name}") == (tmp_path / "out" / name).read_bytes()
    noted = json.load(io.BytesIO(memory.cat("/out/export.json")))
    assert noted["videos"] == VIDEOS and noted["files"] == report.files[:-1]
    with pytest.raises(InputError, match="holds an export already"):
        export(work, "memory://out", format, ("examples",))


def test_a_bucket_of_a_real_server_will_do(work: Path) -> None:
    pytest.importorskip("s3fs", reason="needs s3fs")
    pytest.importorskip("moto.server", reason="needs moto")
    import s3fs

    from tests.toys.s3_server import SECRET, s3_server

    with s3_server():
        s3fs.S3FileSystem().mkdir("kitchen")
        report = export(work, "s3://kitchen/out", "datasets", ("examples",))
        assert report.place == "s3://kitchen/out" and SECRET not in str(report)
        assert s3fs.S3FileSystem().exists("kitchen/out/examples/00000.parquet")
        with pytest.raises(InputError, match=r"s3://nobody/out cannot be written \("):
            export(work, "s3://nobody/out", "datasets", ("examples",))


def test_the_command_tells_and_refuses_in_a_line(
    work: Path, tmp_path: Path, videobert: Run
) -> None:
    place = tmp_path / "out"
    done = videobert("export", work, "--format", "datasets", "--to", place, "--stage", "examples")
    assert done.status == 0 and f"{place}: 10 videos, 70 rows of examples, in 3 files" in done.out
    for words, told in (
        (("--format", "zip", "--to", tmp_path / "x"), "webdataset, datasets, lance"),
        (("--format", "lance", "--to", tmp_path / "x", "--stage", "dreams"), "give one of"),
        (("--format", "lance", "--to", tmp_path / "x", "--stage", "tokens"), "holds nothing of"),
    ):
        done = videobert("export", work, *words)
        assert done.status == 2 and told in done.err and not (tmp_path / "x").exists()
