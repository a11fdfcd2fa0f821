"""What is written has these columns, which other programs read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tokenization.schema import ASSIGNMENTS, CODEBOOK_KEY, EXAMPLES, PICTURES, TOKENS
from workfolder.files import read_table, write_table


def test_columns_are_those_that_the_documents_name() -> None:
    assert TOKENS.names == ["video_id", "index", "start", "end", "token"]
    assert EXAMPLES.names == ["video_id", "start", "end", "text", "visual"]
    assert PICTURES.names == ["token", "video_id", "index", "start", "distance", "jpeg"]
    assert ASSIGNMENTS.names == ["video_id", "features", "words"]


def test_times_are_float64_and_words_int32() -> None:
    for schema in (TOKENS, EXAMPLES):
        assert {schema.field(name).type for name in ("start", "end")} == {pa.float64()}
    words = TOKENS.field("token"), EXAMPLES.field("visual"), ASSIGNMENTS.field("words")
    assert {getattr(word.type, "value_type", word.type) for word in words} == {pa.int32()}


def test_a_table_keeps_its_schema_on_the_disk(tmp_path: Path) -> None:
    for schema in (TOKENS, EXAMPLES, PICTURES, ASSIGNMENTS.with_metadata({CODEBOOK_KEY: "a"})):
        write_table(schema.empty_table(), tmp_path / "rows.parquet")
        found = read_table(tmp_path / "rows.parquet").schema
        assert found.equals(schema, check_metadata=True)
