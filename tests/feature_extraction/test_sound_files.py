"""``videobert transcribe`` of files of sound, and of links to them, with real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.audio import SAMPLE_RATE, stream_sound
from tests.feature_extraction.hearing.recognisers.test_packaged_weights import TINY, real
from tests.toys.command_line import Run
from tests.toys.sounds import write_sound
from workfolder.files import read_table

pytestmark = real
CODECS = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".flac": "flac", ".m4a": "aac"}
HEAR = ("--asr", f"faster-whisper:{TINY}")


@pytest.fixture
def spoken(tmp_path: Path, shared_data: Path) -> list[Path]:
    """Three seconds of real speech in each kind of file."""
    whole = np.concatenate(list(stream_sound(shared_data / "speech" / "whisper" / "jfk.flac")))
    folder = tmp_path / "elsewhere"
    return [
        write_sound(folder / f"talk{number}{suffix}", whole[: 3 * SAMPLE_RATE], codec=codec)
        for number, (suffix, codec) in enumerate(CODECS.items())
    ]


def said(work: Path) -> dict[str, str]:
    """What was heard, by the video's id, in small letters without marks."""
    heard = {}
    for path in sorted((work / "transcripts").glob("*.parquet")):
        text = " ".join(read_table(path)["text"].to_pylist()).lower()
        heard[path.stem] = "".join(c for c in text if c.isalpha() or c == " ")
    return heard


def are_all_heard(heard: dict[str, str], spoken: list[Path]) -> bool:
    """Whether each file says what it does; a codec may cost a small word."""
    assert all(text.endswith("fellow americans") for text in heard.values()), heard
    return set(heard) == {path.stem for path in spoken}


def linked(spoken: list[Path], folder: Path) -> Path:
    """A folder of links to them."""
    folder.mkdir(parents=True)
    for path in spoken:
        (folder / path.name).symlink_to(path)
    return folder


def test_files_of_sound_are_heard(spoken: list[Path], tmp_path: Path, videobert: Run) -> None:
    work = tmp_path / "work"
    assert videobert("transcribe", *spoken, "--work", work, *HEAR).status == 0
    assert are_all_heard(said(work), spoken)


@pytest.mark.parametrize("listed", [False, True])
def test_links_that_lead_elsewhere_are_heard_where_links_are_followed(
    spoken: list[Path], tmp_path: Path, videobert: Run, listed: bool
) -> None:
    given = linked(spoken, tmp_path / "here" / "links")
    if listed:
        given = tmp_path / "here" / "talks.txt"
        given.write_text("".join(f"links/{path.name}\n" for path in spoken))
    work = tmp_path / "work"
    refused = videobert("transcribe", given, "--work", work, *HEAR)
    assert refused.status != 0 and "--follow-links" in refused.err and not said(work)
    again = "--follow-links", "--retry-failed"
    assert videobert("transcribe", given, "--work", work, *HEAR, *again).status == 0
    assert are_all_heard(said(work), spoken)
