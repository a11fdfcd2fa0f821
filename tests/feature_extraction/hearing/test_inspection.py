from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from feature_extraction.hearing.inspection import covered, draw_transcripts, inspect_transcripts
from feature_extraction.schema import TRANSCRIPTS
from tests.toys.command_line import Result
from tests.toys.street import Street
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.ledger import Ledger
from workfolder.stage import Stage


def write_transcript(
    work: Path, video: str, *spans: tuple[float, float, int], source: str = "captions:a.vtt"
) -> None:
    """A sentence for each start, end and number of words."""
    rows = [
        {
            "video_id": video,
            "index": index,
            "start": start,
            "end": end,
            "text": "w " * count,
            "source": source,
            "language": None,
            "words": [{"word": "w", "start": start, "end": end, "probability": None}] * count,
        }
        for index, (start, end, count) in enumerate(spans)
    ]
    write_table(
        pa.Table.from_pylist(rows, schema=TRANSCRIPTS), Stage(work / "transcripts").path(video)
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_transcript(tmp_path, "a", (0.0, 3.0, 10), (2.0, 6.0, 10), (20.0, 24.0, 5))
    write_transcript(tmp_path, "b", (1.0, 31.0, 40), source="whisper:base")
    write_transcript(tmp_path, "silent")
    write_table(pa.table({"end": [30.0, 100.0]}), Stage(tmp_path / "features").path("a"))
    return tmp_path


def test_the_figures_are_those_of_the_sentences(work: Path) -> None:
    report = inspect_transcripts(work)
    figures = report.figures()
    assert (figures["videos"], figures["videos with speech"], figures["videos without speech"]) == (
        3,
        2,
        1,
    )
    assert (
        figures["words"] == 65
        and figures["sentences"] == 4
        and figures["longest sentence, words"] == 40
    )
    assert (
        report.speech.tolist() == [10, 30, 0]
        and report.seconds.tolist() == [100, 31, 0]
        and report.ends_guessed == 1
    )
    assert report.rates.tolist() == [150, 80] and report.shares.tolist() == [0.1, 30 / 31]
    assert figures["share of the time under speech"] == pytest.approx(40 / 131)
    assert (
        figures["videos by captions"] == figures["videos by whisper:base"] == 1
        and figures["videos in unknown"] == 2
    )


def test_what_was_dropped_is_told(work: Path) -> None:
    ledger = Ledger(Stage(work / "transcripts"))
    ledger.note_dropped("a", {"sounds and marks": 2, "cues without words": 1})
    ledger.note_dropped("b", {"sounds and marks": 3})
    ledger.note_dropped("failed", {"sounds and marks": 9})
    report = inspect_transcripts(work)
    assert report.dropped == {"sounds and marks": 5, "cues without words": 1}
    assert report.figures()["dropped sounds and marks"] == 5


def test_two_who_speak_at_once_count_once() -> None:
    assert covered([(0, 10), (2, 3), (9, 12), (20, 21)]) == 13
    assert covered([]) == 0


def test_the_picture_shows_something(work: Path, tmp_path: Path) -> None:
    draw_transcripts(inspect_transcripts(work), tmp_path / "p.png")
    image = np.asarray(Image.open(tmp_path / "p.png").convert("RGB"))
    assert image.shape[1] > 1000 and len(np.unique(image.reshape(-1, 3), axis=0)) > 50


def test_without_a_word_there_are_figures_and_a_picture(tmp_path: Path) -> None:
    write_transcript(tmp_path, "silent")
    report = inspect_transcripts(tmp_path)
    assert report.figures()["words a minute of speech"] == 0
    draw_transcripts(report, tmp_path / "p.png")


def test_without_transcripts_it_says_which_stage_comes_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="videobert transcribe"):
        inspect_transcripts(tmp_path)


def test_the_command_line_inspects(
    street: Street, tmp_path: Path, videobert: Callable[..., Result]
) -> None:
    picture = tmp_path / "p.png"
    figures = json.loads(
        videobert("inspect", "transcripts", street.work, "--picture", picture, "--json").out
    )
    assert (
        figures["videos"] == figures["videos with speech"] == 4
        and 0.5 < figures["share of the time under speech"] < 1
    )
    assert (
        "words a minute of speech"
        in videobert("inspect", "transcripts", street.work, "--picture", picture).out
    )
