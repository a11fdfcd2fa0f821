"""Examples: of videos without a transcript, and of captions that run past the video."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.work_folder import add_sentence
from tokenization.examples_stage import OUTSIDE
from tokenization.tokens import tokenize
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import FAILED, Account, Ledger
from workfolder.sources import Source
from workfolder.stage import Stage


def account(work: Path) -> Account:
    return Ledger(Stage(work / "examples")).read()


def lose_transcript(work: Path, video: str, reason: str | None = None) -> None:
    """Delete a transcript; with a reason, as if transcribe had failed."""
    (work / "transcripts" / f"{video}.parquet").unlink()
    if reason:
        ledger = Ledger(Stage(work / "transcripts"))
        ledger.expect([Source(video, work / f"{video}.mp4")])
        ledger.note(FAILED, {video: reason})


def test_a_video_without_a_transcript_is_waiting_for_it(work: Path) -> None:
    lose_transcript(work, "b")
    assert tokenize(work)[1].complete
    assert account(work).done == {"a"} and account(work).waiting == {"b"}
    add_sentence(work, "b", "flip it")
    assert tokenize(work)[1].now == 1
    assert account(work).done == {"a", "b"}


def test_a_video_whose_transcript_failed_is_refused_until_it_has_one(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lose_transcript(work, "b", "b.mp4 has no captions")
    for _ in range(2):
        report = tokenize(work)[1]
        assert report.failures == {"b": "no transcript: b.mp4 has no captions"}
    assert "1 of 2 videos become no examples" in caplog.text
    assert account(work).failed.keys() == {"b"} and not account(work).waiting
    add_sentence(work, "b", "flip it")
    assert tokenize(work)[1].now == 1
    assert account(work).done == {"a", "b"} and not account(work).failed


def test_no_transcript_at_all_is_refused(work: Path) -> None:
    for video in ("a", "b"):
        lose_transcript(work, video)
    with pytest.raises(InputError, match="has no transcript of these videos: run videobert trans"):
        tokenize(work)


def test_captions_of_another_video_become_no_examples_and_are_counted(work: Path) -> None:
    add_sentence(work, "a", "much later", 6537.0, 6540.0)
    report = tokenize(work)[1]
    assert report.dropped == {OUTSIDE: 1} and f"dropped 1 {OUTSIDE}" in str(report)
    assert account(work).dropped == {"a": {OUTSIDE: 1}}
    rows = read_table(work / "examples" / "a.parquet").to_pylist()
    assert [row["text"] for row in rows] == ["", ""] and rows[-1]["end"] == 30
