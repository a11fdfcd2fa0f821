"""Sentences of words that came without marks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feature_extraction.hearing.punctuation.restorer import PACKAGED
from feature_extraction.transcripts import Transcriber, TranscriptOptions, transcribe
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.sources import Source

BARE = (
    "so now we cut the onion and put it into the pan then we add the oil and let it fry for five "
    "minutes"
)


def test_words_without_marks_end_at_pauses_or_where_the_restorer_says(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", grey_ramp(20))
    cues = [
        f"00:00:{n * 0.4:06.3f} --> 00:00:{n * 0.4 + 0.4:06.3f}\n{word}\n"
        for n, word in enumerate(BARE.split())
    ]
    (tmp_path / "v.en.vtt").write_text("WEBVTT\n\n" + "\n".join(cues))
    made: dict[str, list[str]] = {}
    for punctuation in ("none", "restore"):
        options = TranscriptOptions("captions", punctuation=punctuation)
        report = transcribe([Source("v", video)], tmp_path / punctuation, options)
        assert report.complete
        table = read_table(tmp_path / punctuation / "transcripts" / "v.parquet")
        made[punctuation] = table.column("text").to_pylist()
    assert made["none"] == [BARE]  # nobody pauses: one sentence
    restored = made["restore"]
    assert len(restored) >= 2 and restored[0].endswith(".")
    assert " ".join(restored).lower().replace(".", "").replace(",", "").split() == BARE.split()
    with pytest.raises(InputError, match="punctuation was"):
        transcribe(
            [Source("v", video)],
            tmp_path / "none",
            TranscriptOptions("captions", punctuation="restore"),
        )


def test_a_restorer_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        transcribe(
            [],
            tmp_path / "work",
            TranscriptOptions("captions", punctuation=str(tmp_path / "nowhere")),
        )
    assert not (tmp_path / "work").exists()


def test_a_damaged_restorer_stops_the_job_and_another_is_another(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", grey_ramp(20))
    (tmp_path / "v.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nnow we chop\n")
    folder = shutil.copytree(PACKAGED, tmp_path / "restorer")
    options = TranscriptOptions("captions", punctuation=str(folder))
    there = Transcriber(options).provenance()
    lines = (folder / "vocabulary.txt").read_text().splitlines()
    (folder / "vocabulary.txt").write_text("\n".join([*lines[:3], *reversed(lines[3:])]) + "\n")
    assert Transcriber(options).provenance() != there
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds no whole punctuation model"):
        transcribe([Source("v", video)], tmp_path / "work", options)
    assert not (tmp_path / "work").exists()
