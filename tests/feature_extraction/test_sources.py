from __future__ import annotations

import unicodedata
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_extraction.errors import InputError
from feature_extraction.sources import find_videos, video_id


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_an_id_is_the_path_below_the_folder(tmp_path: Path) -> None:
    touch(tmp_path / "soup.mp4", tmp_path / "course" / "Soup 1.MKV", tmp_path / "notes.md")
    assert [source.video_id for source in find_videos([tmp_path])] == ["course%2FSoup%201", "soup"]


def test_a_list_names_videos_beside_it(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "more" / "b.mp4")
    listing = tmp_path / "videos.txt"
    listing.write_text("# two\na.mp4\n\nmore\n")
    assert [source.video_id for source in find_videos([listing])] == ["a", "b"]


def test_one_video_given_twice_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert len(find_videos([tmp_path, tmp_path / "a.mp4"])) == 1


def test_two_videos_of_one_id_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "a.mkv")
    with pytest.raises(InputError, match=r"a\.mkv and .*a\.mp4 have the same video id"):
        find_videos([tmp_path])


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_a_folder_without_videos_is_refused_by_name(tmp_path: Path, make) -> None:
    make(tmp_path / "folder")
    with pytest.raises(InputError, match="folder"):
        find_videos([tmp_path / "folder"])


@given(st.lists(st.text(min_size=1, max_size=300).filter(lambda part: "/" not in part), min_size=1, max_size=4))
def test_an_id_is_a_safe_file_name(parts: list[str]) -> None:
    below = PurePath("/".join(parts) + "x.mp4")
    name = video_id(below)
    assert name.isascii() and len(name) <= 180 and not name.startswith(".")
    assert not set(name) & set("/\\\0\n~ ")
    assert name == video_id(PurePath(unicodedata.normalize("NFC", str(below))))
