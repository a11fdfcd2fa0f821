"""Visual words and examples: of videos that are redone, that nobody transcribed, and of features that do not fit."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from feature_extraction.schema import TRANSCRIPTS
from tests.toys.work_folder import add_features
from tokenization import tokens
from tokenization.codebook import ClusterOptions, cluster
from tokenization.tokens import tokenize
from workfolder.errors import InputError
from workfolder.files import read_json, read_table, write_json, write_table
from workfolder.ledger import Ledger
from workfolder.stage import Stage

MADE_WITH = {"weights_digest": "a", "engine": "cuda"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with features, transcripts and a codebook of two videos."""
    Stage(tmp_path / "features").claim(MADE_WITH)
    Stage(tmp_path / "transcripts").claim({"asr": "captions"})
    for video in ("a", "b"):
        add_features(tmp_path, video, clips=20)
        say(tmp_path, video, "cut the bread")
    cluster(tmp_path, ClusterOptions(branching=3, depth=2))
    return tmp_path


def say(work: Path, video: str, text: str) -> None:
    row = {
        "video_id": video,
        "index": 0,
        "start": 0.0,
        "end": 6.0,
        "text": text,
        "source": "captions:x",
        "words": [],
    }
    write_table(
        pa.Table.from_pylist([row], schema=TRANSCRIPTS), work / "transcripts" / f"{video}.parquet"
    )


def rows(work: Path, stage: str, video: str) -> list[dict[str, object]]:
    return read_table(work / stage / f"{video}.parquet").to_pylist()


def test_features_and_transcripts_that_are_redone_reach_tokens_and_examples(work: Path) -> None:
    add_features(work, "a", clips=4)
    tokenize(work)
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.parquet")}
    add_features(work, "a", clips=20)
    words, examples = tokenize(work)
    assert (words.now, words.before, examples.now, examples.before) == (1, 1, 1, 1)
    assert (
        len(rows(work, "tokens", "a")) == 20
        and sum(len(row["visual"]) for row in rows(work, "examples", "a")) == 20
    )
    say(work, "a", "spread the butter")
    words, examples = tokenize(work)
    assert (words.now, examples.now) == (0, 1) and rows(work, "examples", "a")[0][
        "text"
    ] == "spread the butter"
    assert {path for path, when in before.items() if path.stat().st_mtime_ns != when} == {
        work / stage / "a.parquet" for stage in ("features", "transcripts", "tokens", "examples")
    }
    assert [report.now for report in tokenize(work)] == [0, 0]


def test_what_is_made_of_features_that_are_no_longer_there_stays(work: Path) -> None:
    tokenize(work)
    for path in (work / "features").glob("*.parquet"):
        path.unlink()
    assert [report.now for report in tokenize(work)] == [0, 0] and len(
        rows(work, "tokens", "a")
    ) == 20


def test_a_video_without_a_transcript_is_waiting_for_it(work: Path) -> None:
    (work / "transcripts" / "b.parquet").unlink()
    assert tokenize(work)[1].complete
    account = Ledger(Stage(work / "examples")).read()
    assert account.done == {"a"} and account.waiting == {"b"}
    say(work, "b", "flip it")
    assert tokenize(work)[1].now == 1
    assert Ledger(Stage(work / "examples")).read().done == {"a", "b"}


def test_features_of_other_weights_are_refused_before_any_video_fails(work: Path) -> None:
    write_json(MADE_WITH | {"weights_digest": "b"}, work / "features" / "options.json")
    for _ in range(2):
        with pytest.raises(
            InputError, match="weights_digest is 'b', not 'a'; extract them as the codebook's were"
        ):
            tokenize(work)
        assert not (work / "tokens").exists()
    write_json(
        MADE_WITH | {"engine": "torch", "versions": {"torch": "9"}},
        work / "features" / "options.json",
    )
    assert tokenize(work)[0].now == 2


def test_another_schema_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenize(work)
    monkeypatch.setattr(tokens, "SCHEMA_VERSION", 2)
    with pytest.raises(
        InputError, match="tokens was made with other options: schema was 1 and is now 2"
    ):
        tokenize(work)
    os.rename(work / "tokens", work / "old")
    with pytest.raises(
        InputError, match="examples was made with other options: schema was 1 and is now 2"
    ):
        tokenize(work)
    assert read_json(work / "examples" / "options.json")["schema"] == 1
