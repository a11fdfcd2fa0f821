"""Visual words: of videos that are redone, and of features that do not fit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.tokenization.conftest import FEATURE_OPTIONS
from tests.toys.work_folder import add_features, add_sentence
from tokenization import tokens
from tokenization.assignments import ASSIGNMENTS_FILE
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.fitted_tree import FittedTree
from tokenization.options import TokenizeOptions
from tokenization.tokens import tokenize, write_tokens
from workfolder.errors import InputError
from workfolder.files import read_json, read_table, write_json


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
    add_sentence(work, "a", "spread the butter")
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


def test_features_of_other_weights_are_refused_before_any_video_fails(work: Path) -> None:
    write_json(FEATURE_OPTIONS | {"weights_digest": "b"}, work / "features" / "options.json")
    for _ in range(2):
        with pytest.raises(
            InputError, match="weights_digest is 'b', not 'a'; extract them as the codebook's were"
        ):
            tokenize(work)
        assert not (work / "tokens").exists()
    write_json(
        FEATURE_OPTIONS | {"engine": "torch", "versions": {"torch": "9"}},
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


def test_the_words_of_the_fit_are_the_bytes_that_a_search_would_write(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the fit knows these words")

    with monkeypatch.context() as patch:
        patch.setattr(FittedTree, "predict", never)
        assert tokenize(work)[0].now == 2
    known = {path: path.read_bytes() for path in (work / "tokens").glob("*.parquet")}
    for path in known:
        path.unlink()
    (work / "codebook" / ASSIGNMENTS_FILE).unlink()
    assert tokenize(work)[0].now == 2
    assert {path: path.read_bytes() for path in known} == known


def test_changed_features_get_words_of_their_own(work: Path) -> None:
    (work / "features" / "a.parquet").write_bytes((work / "features" / "b.parquet").read_bytes())
    tokenize(work)
    assert [row["token"] for row in rows(work, "tokens", "a")] == [
        row["token"] for row in rows(work, "tokens", "b")
    ]


def test_torch_finds_the_same_words_and_an_absent_device_is_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    found = FittedTree.predict

    def watched(self: FittedTree, rows: np.ndarray) -> np.ndarray:
        asked.append(self.device)
        return found(self, rows)

    (work / "codebook" / ASSIGNMENTS_FILE).unlink()
    tokenize(work)
    known = {path: path.read_bytes() for path in (work / "tokens").glob("*.parquet")}
    for path in known:
        path.unlink()
    monkeypatch.setattr(FittedTree, "predict", watched)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="--device cuda: torch finds no CUDA GPU"):
        tokenize(work, options=TokenizeOptions("cuda"))
    codebook = Codebook.load(work / "codebook")
    write_tokens(work, codebook.on("cpu"))  # torch on this machine's processor
    assert asked == ["cpu", "cpu"]
    assert {path: path.read_bytes() for path in known} == known
