"""Caption files come out as timed words, each spoken word once, or are refused by name and line."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest

from feature_extraction.hearing.captions import formats as captions
from feature_extraction.hearing.captions.formats import FORMATS, read_captions
from tests.feature_extraction.hearing.captions.caption_files import assert_sound, read, texts
from workfolder.errors import InputError

HELLO = "WEBVTT\n\n00:01.000 --> 00:02.000\nhello there\n"


def test_every_real_file_is_read_or_refused_by_name(shared_data: Path) -> None:
    folders = shared_data / "captions", shared_data / "video" / "videogrep"
    found = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    files = [path for path in found if path.suffix in {".sbv", *FORMATS}]
    refused = {}
    for path in files:
        try:
            assert_sound(read_captions(path))
        except InputError as error:
            refused[path.name] = str(error)
            assert str(path) in str(error) and "\n" not in str(error)
    assert len(files) > 40 and len(refused) < len(files) / 2
    assert "invalid_timeframe.vtt, line 6:" in refused["invalid_timeframe.vtt"]
    assert "invalid.vtt, line 1:" in refused["invalid.vtt"]
    assert "is empty" in refused["emptyvideo.aa.vtt"]


def test_two_recognisers_agree(shared_data: Path) -> None:
    folder = shared_data / "video" / "videogrep"
    ours, theirs = (read_captions(folder / f"manifesto.{kind}").words for kind in ("vtt", "json"))
    both = [[word.text for word in words] for words in (ours, theirs)]
    matcher = SequenceMatcher(None, *both, autojunk=False)
    pairs = [
        (ours[block.a + n], theirs[block.b + n])
        for block in matcher.get_matching_blocks()
        for n in range(block.size)
    ]
    near = [pair for pair in pairs if abs(pair[0].start - pair[1].start) < 0.3]
    assert len(pairs) >= 0.85 * len(ours) and len(near) >= 0.95 * len(pairs)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.vtt", "", "is empty"),
        ("a.sbv", "0:00:01.000,0:00:02.000\nhi", ".vtt .srt .json3 .json"),
    ],
)
def test_what_is_no_caption_file_is_refused(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    with pytest.raises(InputError) as refusal:
        read(tmp_path, content, name)
    assert says in str(refusal.value) and str(tmp_path / name) in str(refusal.value)


def test_an_absent_file_and_one_that_is_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"absent\.vtt cannot be read"):
        read_captions(tmp_path / "absent.vtt")
    small = captions.Format(FORMATS[".vtt"].read, 10)
    monkeypatch.setattr(captions, "FORMATS", {".vtt": small})
    with pytest.raises(InputError, match="more than 10"):
        read(tmp_path, HELLO)
    monkeypatch.setattr(captions, "FORMATS", FORMATS)
    monkeypatch.setattr(captions, "MOST_WORDS", 1)
    with pytest.raises(InputError, match="more than 1 words"):
        read(tmp_path, HELLO)


def test_a_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that is added is read like the others, whatever the case of its suffix."""
    monkeypatch.setattr(captions, "FORMATS", {**FORMATS, ".new": FORMATS[".srt"]})
    cue = "1\n00:00:01,000 --> 00:00:02,000\nhello\n"
    assert texts(read(tmp_path, cue, "talk.NEW")) == ["hello"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    cues = "00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\n[Music] hello\n"
    found = read(tmp_path, f"WEBVTT\n\nlost words\n\n{cues}")
    assert texts(found) == ["hello"]
    reasons = ("lines without times", "cues without words", "sounds and marks")
    assert found.dropped == dict.fromkeys(reasons, 1)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.pt-BR.vtt", "pt-BR"),
        ("talk.ger.vtt", "ger"),
        ("talk.en-orig.vtt", "en"),
        ("part.one.vtt", None),
        ("talk.vtt", None),
    ],
)
def test_a_language_in_the_name_is_one_that_is_spoken(
    tmp_path: Path, name: str, language: str | None
) -> None:
    assert read(tmp_path, HELLO, name).language == language
