"""Which files beside a video have its captions."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from feature_extraction.hearing.captions.beside import captions_in, stem_key


def test_the_captions_beside_a_video_are_found_in_order(tmp_path: Path) -> None:
    video = tmp_path / "soup [1].mp4"
    order = [
        "vtt",
        "en-orig.vtt",
        "en.vtt",
        "en-CA.vtt",
        "en-GB.vtt",
        "de.vtt",
        "zh-Hans.vtt",
        "de-en.vtt",
        "en-de.vtt",
        "srt",
        "fr.srt",
        "en.json3",
        "json",
    ]
    for name in order:
        (tmp_path / f"soup [1].{name}").touch()
    for other in (
        "soup.vtt",
        "soup [1]b.vtt",
        "soup [1].info.json",
        "soup [1].live_chat.json",
        "soup [1].mp4.txt",
        "soup [1].mkv.vtt",
    ):
        (tmp_path / other).touch()
    found = captions_in(tmp_path)[video.stem]
    assert [path.name.removeprefix("soup [1].") for path in found] == order


@pytest.mark.parametrize(("language", "name"), [("en", "a.en.srt"), ("ger", "a.de.srt")])
def test_names_with_another_language_are_ignored(tmp_path: Path, language: str, name: str) -> None:
    for tag in ("en", "de"):
        (tmp_path / f"a.{tag}.srt").touch()
    assert captions_in(tmp_path, language)["a"] == [tmp_path / name]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_found_in_either_form_of_unicode(tmp_path: Path, form: str) -> None:
    (tmp_path / unicodedata.normalize(form, "crème.en.srt")).touch()  # type: ignore[arg-type]
    found = captions_in(tmp_path)
    for other in ("NFC", "NFD"):
        stem = unicodedata.normalize(other, "crème")  # type: ignore[arg-type]
        assert len(found[stem_key(stem)]) == 1


def test_a_link_that_leads_out_of_the_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for folder in (tmp_path, tmp_path / "videos"):
        (folder / "real.srt").touch()
    (tmp_path / "videos" / "out.srt").symlink_to(tmp_path / "real.srt")
    (tmp_path / "videos" / "inside.srt").symlink_to("real.srt")
    (tmp_path / "link").symlink_to("videos")
    for folder in (tmp_path / "videos", tmp_path / "link"):
        assert captions_in(folder).keys() == {"real", "inside"}


def test_a_link_that_leads_out_of_the_folder_is_followed_where_the_user_says_so(
    tmp_path: Path,
) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "real.srt").write_text("1", encoding="utf-8")
    link = tmp_path / "videos" / "out.srt"
    link.symlink_to(tmp_path / "real.srt")
    assert captions_in(tmp_path / "videos", follow_links=True) == {"out": [link]}
