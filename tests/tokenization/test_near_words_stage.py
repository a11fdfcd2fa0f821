"""The words near each clip lie beside its token, and follow its features."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.command_line import Run
from tests.toys.work_folder import add_features
from tokenization.options import TokenizeOptions
from tokenization.tokens import tokenize
from workfolder.errors import InputError
from workfolder.files import read_table

KEPT = TokenizeOptions(near_words=3)


def rows(work: Path, stage: str, video: str) -> list[dict[str, object]]:
    return read_table(work / stage / f"{video}.parquet").to_pylist()


def test_tokens_and_examples_stay_the_bytes_that_they_are_without(work: Path) -> None:
    tokenize(work)
    before = {path: path.read_bytes() for path in work.rglob("*/[ab].parquet")}
    reports = tokenize(work, options=KEPT)
    assert [(report.stage, report.now) for report in reports] == [
        ("tokens", 0),
        ("near_words", 2),
        ("examples", 0),
    ]
    assert all(path.read_bytes() == content for path, content in before.items())
    for clip, near in zip(rows(work, "tokens", "a"), rows(work, "near_words", "a"), strict=True):
        words, distances = near["words"], near["distances"]
        assert words[0] == clip["token"] and len(set(words)) == 3
        assert distances[1] <= distances[2]
        assert (near["index"], near["start"]) == (clip["index"], clip["start"])


def test_features_that_are_redone_reach_them(work: Path) -> None:
    tokenize(work, options=KEPT)
    add_features(work, "a", clips=7)
    assert [report.now for report in tokenize(work, options=KEPT)] == [1, 1, 1]
    assert len(rows(work, "near_words", "a")) == 7


def test_another_number_of_words_is_refused_until_it_is_started_over(
    work: Path, videobert: Run
) -> None:
    assert videobert("tokenize", "--work", work, "--near-words", 3).status == 0
    with pytest.raises(InputError, match="near_words was 3 and is now 2"):
        tokenize(work, options=TokenizeOptions(near_words=2))
    again = videobert("tokenize", "--work", work, "--near-words", 2, "--start-over")
    assert again.status == 0 and len(rows(work, "near_words", "b")[0]["words"]) == 2
    assert '"near_words"' in videobert("status", "--work", work, "--json").out
