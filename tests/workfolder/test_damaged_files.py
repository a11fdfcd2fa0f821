"""What ``status --verify`` finds in a stage's files."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.schema import TRANSCRIPTS, feature_column, features_schema
from workfolder.damaged_files import find_damage
from workfolder.files import read_table, write_table
from workfolder.stage import Stage


def features_file(stage: Stage, video: str, rows: int = 20) -> pa.Table:
    rng = np.random.default_rng(rows)
    start = np.arange(rows) * 1.5
    columns = [[video] * rows, np.arange(rows, dtype=np.int32), start, start + 1.5]
    features = feature_column(rng.normal(size=(rows, 64)).astype(np.float16))
    table = pa.Table.from_arrays([*map(pa.array, columns), features], schema=features_schema(64))
    write_table(table.replace_schema_metadata({b"source": b"/videos/soup.mp4"}), stage.path(video))
    return read_table(stage.path(video))


def test_an_undamaged_stage_has_no_damage(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    for video, rows in (("a", 1), ("b", 20), ("c%20d", 3000)):
        features_file(stage, video, rows)
    texts = [pa.array([text], pa.string()) for text in ("soup", None, "süß")]
    write_table(pa.table({"video_id": ["e"] * 3, "text": pa.chunked_array(texts)}), stage.path("e"))
    write_table(TRANSCRIPTS.empty_table(), stage.path("silent"))
    words = pa.array(
        [[{"word": "soup", "probability": None}], [], None], TRANSCRIPTS.field("words").type
    )
    write_table(pa.table({"video_id": ["f"] * 3, "words": words}), stage.path("f"))
    assert find_damage(stage) == {}


def test_a_file_cut_anywhere_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    features_file(stage, "soup")
    content = stage.path("soup").read_bytes()
    for length in [0, 1, 4, 8, *range(12, len(content), 97), len(content) - 1]:
        stage.path("soup").write_bytes(content[:length])
        assert "soup" in find_damage(stage), length


def test_a_file_with_rows_of_another_video_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    features_file(stage, "soup")
    features_file(stage, "stew")
    stage.path("soup").replace(stage.path("roast"))
    assert find_damage(stage).keys() == {"roast"} and "another video" in find_damage(stage)["roast"]


def test_rows_that_are_there_twice_or_not_at_all_are_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    table = features_file(stage, "soup")
    write_table(pa.concat_tables([table, table]), stage.path("soup"))
    features_file(stage, "stew")
    write_table(read_table(stage.path("stew")).slice(1), stage.path("stew"))
    assert (
        find_damage(stage).keys() == {"soup", "stew"}
        and "rows twice, or not all" in find_damage(stage)["soup"]
    )


def test_a_file_that_is_no_table_of_ours_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    write_table(pa.table({"a": [1]}), stage.path("soup"))
    stage.path("stew").write_text("PAR1 hello PAR1")
    stage.path("roast").mkdir()
    assert find_damage(stage).keys() == {"soup", "stew", "roast"}
    assert all(str(stage.path(video)) in reason for video, reason in find_damage(stage).items())


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_are_found_wherever_they_are(tmp_path: Path, seed: int) -> None:
    """Half of them in the footer, which Parquet protects by no checksum."""
    rng = random.Random(seed)
    stage = Stage(tmp_path / "features")
    table = features_file(stage, "soup")
    content = stage.path("soup").read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = [rng.randrange(len(content)) for _ in range(75)] + [
        rng.randrange(footer, len(content)) for _ in range(75)
    ]
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        stage.path("soup").write_bytes(flipped)
        if not find_damage(stage):
            assert read_table(stage.path("soup")).equals(table, check_metadata=True), place
