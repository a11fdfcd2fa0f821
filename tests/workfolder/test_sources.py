from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfolder.errors import InputError
from workfolder.sources import find_videos, video_id


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
    for mark in ("", "\ufeff"):  # as Windows' editors write it
        listing.write_text(f"{mark}a.mp4\n\n# two\nmore\n", encoding="utf-8")
        assert [source.video_id for source in find_videos([listing])] == ["a", "b"]


@pytest.mark.parametrize("name", ["videos.txt", "folder"])
def test_what_may_not_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    touch(tmp_path / "videos.txt", tmp_path / "folder" / "a.mp4")

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(
        InputError, match=rf"{name} cannot be read \(Permission denied\): check its rights"
    ):
        find_videos([tmp_path / name])


def test_one_video_given_twice_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert len(find_videos([tmp_path, tmp_path / "a.mp4"])) == 1


def test_two_videos_of_one_id_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "a.mkv")
    with pytest.raises(InputError, match=r"a\.mkv and .*a\.mp4 have the same video id"):
        find_videos([tmp_path])


def test_ids_that_are_one_file_where_the_disk_ignores_case_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "one" / "Soup.mp4", tmp_path / "two" / "soup.mp4")
    with pytest.raises(
        InputError,
        match=r"Soup\.mp4 and .*soup\.mp4 have the same video id 'soup' but for its case",
    ):
        find_videos([tmp_path / "one", tmp_path / "two"])
    (tmp_path / "two" / "soup.mp4").unlink()
    (tmp_path / "two" / "soup.mp4").symlink_to(tmp_path / "one" / "Soup.mp4")
    with pytest.raises(InputError, match="but for its case"):
        find_videos([tmp_path / "one", tmp_path / "two" / "soup.mp4"])


def test_the_disk_is_not_asked_about_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(*(tmp_path / f"{number}.mp4" for number in range(200)))
    asked: list[object] = []
    ask = os.stat
    monkeypatch.setattr(os, "stat", lambda *place, **how: asked.append(place) or ask(*place, **how))
    assert len(find_videos([tmp_path])) == 200 and len(asked) < 20


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_a_folder_without_videos_is_refused_by_name(tmp_path: Path, make) -> None:
    make(tmp_path / "folder")
    with pytest.raises(InputError, match="folder"):
        find_videos([tmp_path / "folder"])


@given(
    st.lists(
        st.text(min_size=1, max_size=300).filter(lambda part: "/" not in part),
        min_size=1,
        max_size=4,
    )
)
def test_an_id_is_a_safe_file_name(parts: list[str]) -> None:
    below = PurePath("/".join(parts) + "x.mp4")
    name = video_id(below)
    assert name.isascii() and len(name) <= 180 and not name.startswith(".")
    assert not set(name) & set("/\\\0\n~ ")
    assert name == video_id(PurePath(unicodedata.normalize("NFC", str(below))))


def test_links_are_videos_inside_the_folder_and_refused_outside(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    touch(tmp_path / "outside.mp4", tmp_path / "elsewhere" / "far.mp4", folder / "real.mp4")
    (folder / "inside.mp4").symlink_to(folder / "real.mp4")
    (folder / "out.mp4").symlink_to(tmp_path / "outside.mp4")
    (folder / "up.mp4").symlink_to("../outside.mp4")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling.mp4").symlink_to("nothing.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    found = {source.video_id: source.refusal for source in find_videos([folder])}
    assert found.keys() == {"real", "inside", "out", "up", "dangling", "loop"}
    assert {name for name, refusal in found.items() if refusal} == {"out", "up"}
    assert "leads out" in str(found["out"])


def test_a_folder_reached_through_a_link_is_itself_inside(tmp_path: Path) -> None:
    touch(tmp_path / "videos" / "a.mp4")
    (tmp_path / "videos" / "b.mp4").symlink_to("a.mp4")
    (tmp_path / "link").symlink_to(tmp_path / "videos")
    assert not any(source.refusal for source in find_videos([tmp_path / "link"]))


def test_what_is_no_file_is_no_video(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").mkdir()
    os.mkfifo(tmp_path / "c.mp4")
    assert [source.video_id for source in find_videos([tmp_path])] == ["a"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("..mp4.mp4", "%2E.mp4"),
        ("..mp4", "%2E"),
        ("...mp4", "%2E."),
        ("-i.mp4", "-i"),
        ("a\nb.mp4", "a%0Ab"),
        ("%2E.mp4", "%252E"),
        ("a\\b.mp4", "a%5Cb"),
        ("concat:a|b.mp4", "concat%3Aa%7Cb"),
        (os.fsdecode(b"caf\xe9.mp4"), "caf%E9"),
        ("\u202egnp.mp4", "%E2%80%AEgnp"),
    ],
)
def test_names_that_mean_mischief_become_plain_ids(
    tmp_path: Path, name: str, expected: str
) -> None:
    touch(tmp_path / name)
    assert [source.video_id for source in find_videos([tmp_path])] == [expected]


def test_twins_in_two_unicode_forms_are_refused(tmp_path: Path) -> None:
    touch(
        tmp_path / unicodedata.normalize("NFC", "süß.mp4"),
        tmp_path / unicodedata.normalize("NFD", "süß.mp4"),
    )
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this disk takes both forms for one name")
    with pytest.raises(InputError, match="have the same video id"):
        find_videos([tmp_path])


def test_names_that_differ_only_after_250_letters_have_ids_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / ("a" * 249 + "x.mp4"), tmp_path / ("a" * 249 + "y.mp4"))
    first, second = (source.video_id for source in find_videos([tmp_path]))
    assert first != second and len(first) <= 180


@pytest.mark.parametrize(
    "line", ["absent.mp4", "a" * 300 + ".mp4", "a\0b.mp4", "http://127.0.0.1/a.mp4", "loop.mp4"]
)
def test_a_line_that_names_nothing_is_refused_by_name(tmp_path: Path, line: str) -> None:
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "videos.txt").write_text(f"{line}\n")
    with pytest.raises(InputError, match="does not exist"):
        find_videos([tmp_path / "videos.txt"])


def test_a_list_that_names_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos.txt").write_text("videos.txt\n")
    with pytest.raises(InputError, match=r"videos\.txt"):
        find_videos([tmp_path / "videos.txt"])


def test_messages_about_names_are_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_videos([tmp_path / "a\n\x1b[31mb\udcff.mp4"])
    assert str(caught.value).isprintable()
