"""Captions as people have reported them: ../shared/data/reported/README.md tells each right value.

The same situations are made by hand in the tests of the modules that read them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.options import TranscriptOptions
from feature_extraction.transcripts import transcribe
from workfolder.files import read_table
from workfolder.report import Report
from workfolder.sources import find_videos

Said = list[tuple[float, float, str]]

THREE: Said = [
    (1, 3, "crack the eggs into a bowl."),
    (4, 6, "whisk them until they are smooth."),
    (7, 9, "pour it into the hot pan."),
]
ROWS: dict[str, Said] = {
    "blank-line-loses-words/a01_crcrlf": THREE,
    "blank-line-loses-words/a02_blank_inside": [
        (1, 3, "crack the eggs into a bowl and take out the shell."),
        (4, 6, "whisk them."),
    ],
    "blank-line-loses-words/a03_blank_before_text": THREE,
    "br-glues/a32_words_glued": [(1, 3, "crack the eggs.")],
    "cjk-dropped/a12_chinese": [
        (1, 1.5, "把鸡蛋打进碗里"),
        (6, 6.5, "把它们搅拌均匀"),
        (11, 11.5, "倒进锅里"),
        (16, 16.5, "加一点盐"),
    ],
    "cjk-dropped/a13_japanese": [
        (1, 3, "卵を割ります。"),
        (3, 5, "よく混ぜます。"),
        (5, 7, "フライパンに入れます。"),
    ],
    "empty-vtt-blocks/b10_bad_vtt_and_embedded": [(0.5, 2.5, "crack the eggs into a bowl.")],
    "growing-cues/a04_growing": [(1, 4.31, "crack the eggs now.")],
    "langs-orig/b12_langs": [(1, 2, "crack the eggs")],
    "metadata-json-blocks/b09_meta_and_embedded": [(0.5, 2.5, "crack the eggs into a bowl.")],
    "nfd-captions/a24_crème": THREE,
    "rolled-with-gap/a44_rollup_gap": [(1, 4, "CRACK THE EGGS INTO A BOWL AND WHISK THEM.")],
    "sdh-sounds/a14_sdh": [(4, 6, "crack the eggs."), (10, 12, "whisk them.")],
    "sixty-seconds/a07_sixty": [(58, 60, "crack the eggs."), (61, 63, "whisk them.")],
    "sixty-seconds/a19_4digit": [(1, 3, "crack the eggs."), (4, 6, "whisk them.")],
    "timestamp-map/a06_tsmap_local": [(1, 3, "crack the eggs.")],
    "whisper-json-hallucination/b04_whisper_loop": [],
    "whisper-json-hallucination/b05_whisper_music": [(5, 8, "crack the eggs now.")],
    "yta-json-duration/b01_yta": [
        (1, 4, "crack the eggs into a bowl"),
        (4, 7, "whisk them until they are smooth"),
        (7, 9, "then pour it in"),
    ],
}


def hear(video: Path, work: Path, encoding: str | None = None) -> tuple[Report, Said]:
    (source,) = find_videos([video])
    report = transcribe([source], work, TranscriptOptions("captions", encoding=encoding))
    path = work / "transcripts" / f"{source.video_id}.parquet"
    rows = read_table(path).to_pylist() if path.exists() else []
    return report, [(row["start"], round(row["end"], 3), row["text"]) for row in rows]


def find(folder: Path, name: str) -> Path:
    """The video of that name, which may be in another form of Unicode on the disk."""
    beside = (folder / name).parent.glob("*.mp4")
    return next(path for path in beside if path.stem[:3] == name.rpartition("/")[2][:3])


@pytest.mark.parametrize("name", ROWS)
def test_a_reported_video_says_what_is_right(shared_data: Path, tmp_path: Path, name: str) -> None:
    report, said = hear(find(shared_data / "reported", name), tmp_path)
    assert report.complete and said == ROWS[name]


@pytest.mark.parametrize(
    ("name", "encoding", "first"),
    [
        ("a10_cp1251", "cp1251", "разбейте яйца в миску."),
        ("a11_gbk", "gbk", "把鸡蛋打进碗里。"),
    ],
)
def test_another_alphabet_is_read_as_is_said_and_never_guessed(
    shared_data: Path, tmp_path: Path, name: str, encoding: str, first: str
) -> None:
    video = shared_data / "reported" / "mojibake" / f"{name}.mp4"
    report, said = hear(video, tmp_path / "guessed")
    assert not said and "--encoding" in report.failures[name]
    assert hear(video, tmp_path / "said", encoding)[1][0] == (1, 3, first)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("metadata-json-blocks/b09_meta_and_embedded", "files that hold no captions"),
        ("whisper-json-hallucination/b04_whisper_loop", "phrases over silence"),
        ("sdh-sounds/a14_sdh", "sounds and marks"),
    ],
)
def test_what_is_dropped_is_told(shared_data: Path, tmp_path: Path, name: str, told: str) -> None:
    report, _ = hear(find(shared_data / "reported", name), tmp_path)
    assert told in report.dropped and told in str(report)


def test_why_captions_were_not_taken_is_told(shared_data: Path, tmp_path: Path) -> None:
    video = find(shared_data / "reported", "empty-vtt-blocks/b10_bad_vtt_and_embedded")
    (note,) = hear(video, tmp_path)[0].partial.values()
    assert "is read from subtitles:2, as" in note and ".vtt, line 1" in note
