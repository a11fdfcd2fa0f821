"""Captions of seconds go in, words with times come out: ``transcribe --align``, with real weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feature_extraction.hearing.audio import stream_sound
from feature_extraction.hearing.captions.formats import read_captions
from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.recognisers.packaged_weights import PACKAGED
from feature_extraction.hearing.recognisers.transformers_speech import TransformersSpeech
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from feature_extraction.transcripts import Transcriber, transcribe
from tests.feature_extraction.hearing.captions.caption_files import srt
from tests.feature_extraction.hearing.recognisers.test_packaged_weights import TINY, real
from tests.toys.command_line import Run
from tests.toys.real_whisper import openai_checkpoint, transformers_folder
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.sources import Source
from workfolder.stage import Stage

SAID = (
    (0.0, 5.0, "And so, my fellow Americans:"),
    (5.0, 9.0, "ask not what your country can do for you,"),
    (9.0, 11.0, "ask what YOU can do for your country."),
)
SPOKEN = {"And": 0.3, "ask": 3.3, "not": 4.0, "what": 5.4}
"""When the words after his pauses begin: there the power of jfk.flac rises by 20 dB in 0.1 s."""
ALIGN = f"faster-whisper:{TINY}"


@pytest.fixture
def kennedy(tmp_path: Path, shared_data: Path) -> Path:
    """His sound, with captions that have no words' times, and are two seconds late at a place."""
    path = Path(shutil.copy(shared_data / "speech" / "whisper" / "jfk.flac", tmp_path / "jfk.flac"))
    path.with_suffix(".srt").write_text(srt(*SAID))
    return path


def starts(words: list[Word]) -> dict[str, float]:
    """When each word begins for the first time."""
    return {word.text: word.start for word in reversed(words)}


@real
def test_captions_get_word_times_through_the_command_line(kennedy: Path, videobert: Run) -> None:
    work = kennedy.parent / "work"
    command = ("transcribe", kennedy, "--work", work, "--asr", "captions", "--align", ALIGN)
    assert videobert(*command).status == 0
    path = work / "transcripts" / "jfk.parquet"
    made = path.read_bytes()
    rows = read_table(path).to_pylist()
    text = " ".join(words for _, _, words in SAID)
    assert " ".join(row["text"] for row in rows) == text
    assert {row["source"] for row in rows} == {"captions:jfk.srt"}
    words = [
        Word(word["word"], word["start"], word["end"], word["probability"])
        for row in rows
        for word in row["words"]
    ]
    found = starts(words)
    for word, second in SPOKEN.items():
        assert found[word] == pytest.approx(second, abs=0.5), word
    shown = starts(list(read_captions(kennedy.with_suffix(".srt")).words))
    away = [sum(abs(each[w] - s) for w, s in SPOKEN.items()) for each in (found, shown)]
    assert away[0] < away[1] / 3
    noted = Stage(work / "transcripts").options()["align"]
    assert noted["by"] == ALIGN and noted["model_digest"] == PACKAGED[TINY].digest[:16]
    assert "nothing to do" in videobert(*command).out
    path.unlink()
    assert videobert(*command).status == 0 and path.read_bytes() == made
    refused = videobert(*command[:-1], "none")
    assert refused.status != 0 and "align" in refused.err


@real
@pytest.mark.slow
def test_every_recogniser_finds_the_same_times(kennedy: Path) -> None:
    folder = kennedy.parent
    found = []
    for recogniser in (
        FasterWhisper(TINY),
        OpenAIWhisper(str(openai_checkpoint(PACKAGED[TINY], folder / "tiny.pt"))),
        TransformersSpeech(str(transformers_folder(PACKAGED[TINY], folder / "tiny"))),
    ):
        words = read_captions(kennedy.with_suffix(".srt")).words
        made, unheard = recogniser.align(words, stream_sound(kennedy))
        assert unheard == 0 and [word.text for word in made] == [word.text for word in words]
        found.append([word.start for word in made])
    # openai-whisper's own file names no heads that listen, so it takes all of the upper half.
    for each in found[1:]:
        assert each == pytest.approx(found[0], abs=0.5)


@real
def test_captions_of_something_else_keep_their_times(kennedy: Path) -> None:
    other = ((0.0, 5.0, "chop the onions finely"), (5.0, 11.0, "then fry them in butter until"))
    kennedy.with_suffix(".srt").write_text(srt(*other))
    options = TranscriptOptions("captions", align=ALIGN)
    work = kennedy.parent / "work"
    report = transcribe([Source("jfk", kennedy)], work, options)
    rows = read_table(work / "transcripts" / "jfk.parquet").to_pylist()
    assert report.complete and [row["start"] for row in rows] == [0.0, 5.0]
    assert report.dropped == {"word times that were not found": 10}


@real
def test_a_video_without_sound_keeps_the_times_of_its_captions(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", grey_ramp(60))
    video.with_suffix(".srt").write_text(srt((0, 2, "now we chop")))
    options = TranscriptOptions("captions", align=ALIGN)
    report = transcribe([Source("v", video)], tmp_path / "work", options)
    assert report.complete and "keep the times of their captions" in report.partial["v"]
    assert "v.mp4 has no sound" in report.partial["v"]
    assert read_table(tmp_path / "work" / "transcripts" / "v.parquet").num_rows == 1


@pytest.mark.parametrize(
    ("asr", "align", "told"),
    [
        ("whisper", "whisper", "--align is for captions, and --asr whisper reads none"),
        ("captions", "ears", "--align"),
        ("captions", "none:x", "--align"),
        ("captions", "whisper:absent.pt", "absent.pt is not a model"),
        ("captions", "whisper:s3://bucket/model", "is an address"),
    ],
)
def test_who_cannot_align_is_refused_before_anything_is_made(
    tmp_path: Path, asr: str, align: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        transcribe([], tmp_path / "work", TranscriptOptions(asr, align=align))
    assert not (tmp_path / "work").exists()


def test_who_aligns_asks_for_the_same_share_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert Transcriber(TranscriptOptions("captions")).gpus == 0
    assert Transcriber(TranscriptOptions("captions", align="whisper")).gpus == 0.25
