"""Captions that players show."""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.hearing.captions.formats import read_captions
from videobert.cli.captions_file import write_captions

CUES = [(0.0, 1.5, "stir\n\nthe <b>tomato</b> & pan"), (3599.9995, 3661.25, "chop")]


def test_webvtt_is_written_as_it_is_read(tmp_path: Path) -> None:
    write_captions(CUES, tmp_path / "x.vtt")
    assert (tmp_path / "x.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nstir the &lt;b&gt;tomato&lt;/b&gt; &amp; pan\n\n"
        "01:00:00.000 --> 01:01:01.250\nchop\n"
    )


def test_subrip_is_numbered(tmp_path: Path) -> None:
    write_captions(CUES, tmp_path / "x.srt")
    assert (tmp_path / "x.srt").read_text() == (
        "1\n00:00:00,000 --> 00:00:01,500\nstir the <b>tomato</b> & pan\n\n"
        "2\n01:00:00,000 --> 01:01:01,250\nchop\n"
    )


@pytest.mark.parametrize("suffix", [".vtt", ".srt"])
def test_our_own_reader_understands_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_captions([(1.0, 2.5, "stir the tomato"), (2.5, 4.0, "chop it")], path)
    text = " ".join(word.text for word in read_captions(path).words)
    assert text == "stir the tomato chop it"
