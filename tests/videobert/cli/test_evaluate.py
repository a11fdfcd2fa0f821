"""The commands that measure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.toys.calls import call, refused
from tests.toys.street import Street
from tokenization.schema import EXAMPLES


def test_the_measures_are_printed(street: Street, tmp_path: Path) -> None:
    training = shutil.copytree(street.work, tmp_path / "training")
    folders = ("--model", street.model, "--work", street.work, "--training", training)
    found = call("evaluate", "retrieval", *folders, "--json")
    for way in ("text_to_clip", "clip_to_text"):
        assert (
            found[way]["bm25"]["recall"]["1"]["value"]
            == 1
            > found[way]["chance"]["recall"]["1"]["value"]
        )
    printed = call("evaluate", "retrieval", *folders)
    assert all(row in printed for row in ("R@1", "median rank", "re-ranked", "interpolated"))
    found = call("evaluate", "forecast", *folders, "--step", 1, "--json")
    rows = found["forecast"]["rows"]["1"]
    assert rows["bigram"]["1"]["value"] >= rows["unigram"]["1"]["value"] > 0
    assert 0 <= found["imagine"]["rows"]["imagined"]["3"]["value"] <= 1
    assert "bigram" in call("evaluate", "forecast", *folders)
    found = call("evaluate", "localisation", *folders[:4], "--json")
    assert found["videos"] == 4 and 0 < found["rows"]["chance"]["iou"]["value"] < 1
    assert "mean IoU" in call("evaluate", "localisation", *folders[:4])


def test_the_answers_are_not_to_be_learnt_from(street: Street, tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(street.work)
    for training in (street.work, tmp_path / "same"):
        folders = ("--work", street.work, "--training", training)
        refused(f"{training} is both", "evaluate", "retrieval", "--model", street.model, *folders)


def test_words_beyond_the_codebook_are_refused_by_file(street: Street, tmp_path: Path) -> None:
    shutil.copytree(street.work, tmp_path / "work")
    path = tmp_path / "work/examples/recipe_0.parquet"
    rows = [row | {"visual": [9]} for row in pq.read_table(path).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), path)
    refused(
        f"{path} has visual words",
        "search",
        "red",
        "--model",
        street.model,
        "--work",
        tmp_path / "work",
    )


def test_where_nobody_speaks_the_forecasts_are_measured_all_the_same(
    street: Street, tmp_path: Path
) -> None:
    shutil.copytree(street.work, tmp_path / "silent")
    for path in (tmp_path / "silent" / "examples").glob("*.parquet"):
        rows = [row | {"text": ""} for row in pq.read_table(path).to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), path)
    folders = ("--model", street.model, "--work", tmp_path / "silent", "--training", street.work)
    printed = call("evaluate", "forecast", *folders, "--step", 1)
    assert "bigram" in printed and "nobody speaks" in printed and "recall@3" not in printed
    refused("different sentences", "evaluate", "retrieval", *folders)
    refused("no sentence", "evaluate", "localisation", *folders[:4])
    refused("somebody speaks", "search", "red", *folders[:4])
    assert call("search", "red", *folders[:4], "--training", street.work, "--json")["hits"]
