"""Who is asked for the words of a video, in what order, and what is told when a source fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.options import TranscriptOptions
from feature_extraction.transcripts import transcribe
from tests.feature_extraction.hearing.captions.caption_files import srt
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.report import Report
from workfolder.sources import Source, find_videos


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of picture."""
    return write_video(tmp_path / "v.mp4", grey_ramp(40))


def hear(video: Path, **more: str) -> tuple[Report, list[str]]:
    work = video.parent / "work"
    report = transcribe([Source("v", video)], work, TranscriptOptions("captions", **more))
    path = work / "transcripts" / "v.parquet"
    return report, read_table(path).column("text").to_pylist() if path.exists() else []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("v.vtt", "WEBVTT\n", "v.vtt, line 1"),
        ("v.en.srt", "1\n00:00:0x,000 --> 00:00:02,000\nhi\n", "v.en.srt, line 2"),
        ("v.srt", "", "v.srt is empty"),
        ("v.srt", srt((1, 2, "hello")), "no words left from captions:v.srt (1 words alone"),
    ],
)
def test_the_next_file_is_read_where_one_gives_nothing(
    video: Path, name: str, content: str, told: str
) -> None:
    (video.parent / name).write_text(content)
    report, _ = hear(video)
    assert told in report.failures["v"] and not report.complete
    video.with_suffix(".json").write_text('[{"text": "crack it", "start": 0, "duration": 1}]')
    report = transcribe([Source("v", video)], video.parent / "2", TranscriptOptions("captions"))
    assert report.complete and told in report.partial["v"]
    assert "is read from captions:v.json, as" in report.partial["v"]


def test_json_of_another_kind_alone_leaves_a_video_without_captions(video: Path) -> None:
    video.with_suffix(".json").write_text('{"title": "soup"}')
    assert "has no captions beside it" in hear(video)[0].failures["v"]


@pytest.mark.parametrize("text", ["[Music]", "(sizzling)", "♪ la la ♪"])
def test_captions_of_sounds_alone_are_of_a_video_without_speech(video: Path, text: str) -> None:
    video.with_suffix(".srt").write_text(srt((0, 1, text)))
    report, said = hear(video)
    assert report.complete and not said and report.dropped["sounds and marks"]


def test_captions_after_the_end_are_kept_and_told(video: Path) -> None:
    cues = [(0, 1, "crack it."), (1, 2, "whisk it."), (4, 5, "pour it.")]
    video.with_suffix(".srt").write_text(srt(*cues))
    report, said = hear(video)
    assert said == ["crack it.", "whisk it.", "pour it."]
    assert "lasts 2.0 s" in report.partial["v"] and "2 of 6 words after" in report.partial["v"]
    assert "another video" not in report.partial["v"]


def test_captions_of_another_video_are_told(video: Path) -> None:
    cues = [(2.0 * n, 2.0 * n + 2, "stir it.") for n in range(3000)]
    video.with_suffix(".srt").write_text(srt(*cues))
    note = hear(video)[0].partial["v"]
    assert "captions up to 5,999.1 s" in note and "the captions of another video?" in note


def test_the_encoding_that_is_assumed_is_told(video: Path) -> None:
    video.with_suffix(".srt").write_bytes(srt((0, 1, "la crème fraîche")).encode("cp1252"))
    report, said = hear(video)
    assert said == ["la crème fraîche"]
    assert "read as cp1252: say --encoding" in report.partial["v"]


def test_captions_are_read_beside_what_is_not_a_video(video: Path) -> None:
    video.write_bytes(b"not a video")
    video.with_suffix(".srt").write_text(srt((0, 1, "crack it.")))
    assert hear(video)[1] == ["crack it."]


def test_captions_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    """It has the videos' subfolders, and comes before what lies beside the video."""
    video = write_video(tmp_path / "videos" / "soups" / "v.mp4", grey_ramp(40))
    video.with_suffix(".srt").write_text(srt((0, 1, "it lies beside.")))
    elsewhere = tmp_path / "captions"
    (elsewhere / "soups").mkdir(parents=True)
    (elsewhere / "v.srt").write_text(srt((0, 1, "of another video.")))
    options = TranscriptOptions("captions", captions=elsewhere)
    sources = find_videos([tmp_path / "videos"])
    for name, said in ((None, "it lies beside."), ("v.en.vtt", "from the folder.")):
        if name:
            cue = f"WEBVTT\n\n00:00.000 --> 00:01.000\n{said}\n"
            (elsewhere / "soups" / name).write_text(cue)
        work = tmp_path / f"work {name}"
        assert transcribe(sources, work, options).complete
        rows = read_table(work / "transcripts" / "soups%2Fv.parquet")
        assert rows.column("text").to_pylist() == [said]
    with pytest.raises(InputError, match="captions was"):
        transcribe(sources, work, TranscriptOptions("captions"))


def test_a_folder_of_captions_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--captions .*nowhere is not a folder"):
        transcribe([], tmp_path, TranscriptOptions("captions", captions=tmp_path / "nowhere"))
