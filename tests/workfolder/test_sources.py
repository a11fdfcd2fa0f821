from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from workfolder.errors import InputError
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import run_job
from workfolder.sources import SOUND_SUFFIXES, VIDEO_SUFFIXES, Source, find_videos
from workfolder.stage import Stage


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
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        InputError, match=rf"{name} cannot be read \(Permission denied\): check its rights"
    ):
        find_videos([tmp_path / name])


def test_one_video_given_twice_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert len(find_videos([tmp_path, tmp_path / "a.mp4"])) == 1


def refusals(found: list[Source]) -> dict[str, str | None]:
    return {source.video_id: source.refusal for source in found}


def test_two_videos_of_one_id_fail_and_the_others_go_on(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("a.mp4", "a.mkv", "b.mp4")))
    found = refusals(find_videos([tmp_path]))
    assert found.keys() == {"a", "b"} and found["b"] is None
    assert f"{tmp_path}/a.mkv and {tmp_path}/a.mp4 have the same video id 'a'" in str(found["a"])


def test_ids_that_are_one_file_where_the_disk_ignores_case_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "Soup.mp4", tmp_path / "two" / "soup.mp4"
    touch(one, two, tmp_path / "two" / "stew.mp4")
    found = refusals(find_videos([tmp_path / "one", tmp_path / "two"]))
    assert found.keys() == {"Soup", "soup", "stew"} and found["stew"] is None
    reason = f"{one} and {two} have the same video id 'Soup' but for its case"
    assert found["Soup"] == found["soup"] and str(found["soup"]).startswith(reason)
    two.unlink()
    two.symlink_to(one)
    assert all(refusals(find_videos([tmp_path / "one", two])).values())


def test_an_id_that_was_refused_is_done_once_its_twin_is_gone(tmp_path: Path) -> None:
    class Size(Maker):
        def __call__(self, source: Source) -> Made:
            return Made(pa.table({"video_id": [source.video_id]}))

    stage, videos = Stage(tmp_path / "stage"), tmp_path / "videos"
    touch(videos / "a.mp4", videos / "b.mp4")
    run_job(stage, find_videos([videos]), Size())
    touch(videos / "b.avi", videos / "c.mp4", videos / "c.avi", videos / "d.mp4")
    for _ in range(2):  # b is done, and that a second file has its id is told each time
        report = run_job(stage, find_videos([videos]), Size())
        assert report.failures.keys() == {"b", "c"}
        assert report.before + report.now + len(report.failures) == 4
    account = Ledger(stage).read()
    assert (account.done, account.failed.keys()) == ({"a", "b", "d"}, {"c"})
    assert [note["times"] for note in Ledger(stage).notes().values()] == [1]
    (videos / "b.avi").rename(videos / "e.avi")
    (videos / "c.avi").rename(videos / "f.avi")
    report = run_job(stage, find_videos([videos]), Size())
    assert report.complete and (report.before, report.now) == (3, 3)


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


def test_links_are_videos_inside_the_folder_and_refused_outside(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    touch(tmp_path / "outside.mp4", tmp_path / "elsewhere" / "far.mp4", folder / "real.mp4")
    (folder / "inside.mp4").symlink_to(folder / "real.mp4")
    (folder / "out.mp4").symlink_to(tmp_path / "outside.mp4")
    (folder / "up.mp4").symlink_to("../outside.mp4")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling.mp4").symlink_to("nothing.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    found = refusals(find_videos([folder]))
    assert found.keys() == {"real", "inside", "out", "up", "dangling", "loop"}
    assert {name for name, refusal in found.items() if refusal} == {"out", "up"}
    assert "leads out" in str(found["out"]) and "--follow-links" in str(found["out"])
    assert find_videos([folder]).passed_over == {str(folder): {"links to folders": 1}}
    found = refusals(find_videos([folder], follow_links=True))
    assert found.keys() == {"real", "inside", "out", "up", "dangling", "loop", "folder%2Ffar"}
    assert not any(found.values())


def test_a_list_of_links_follows_the_rule_of_folders(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    touch(tmp_path / "outside.mp4", tmp_path / "elsewhere" / "far.mp4", folder / "real.mp4")
    (folder / "deep").mkdir()
    (folder / "deep" / "inside.mp4").symlink_to("../real.mp4")
    (folder / "out.mp4").symlink_to(tmp_path / "outside.mp4")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    links = ["deep/inside.mp4", "out.mp4", "folder/far.mp4"]
    for lines in (links, [str(folder / link) for link in links]):
        (folder / "list.txt").write_text("\n".join([*lines, "../outside.mp4"]))
        found = find_videos([folder / "list.txt"])
        refused = {source.path.name for source in found if source.refusal}
        assert refused == {"out.mp4", "far.mp4"}  # outside.mp4 is named itself
        followed = find_videos([folder / "list.txt"], follow_links=True)
        assert not any(source.refusal for source in followed) and len(followed) == 4
    (folder / "list.txt").write_text("folder")
    with pytest.raises(InputError, match=r"folder is a link that leads out of .*--follow-links"):
        find_videos([folder / "list.txt"])


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    touch(folder / "a.mp4", tmp_path / "other" / "b.mp4")
    for name, target in (("up", tmp_path), ("self", folder), ("one", "../other")):
        (folder / name).symlink_to(target)
    (tmp_path / "other" / "back").symlink_to(folder)
    found = find_videos([folder], follow_links=True)
    assert len(found) == 2 and {source.path.name for source in found} == {"a.mp4", "b.mp4"}
    assert found.passed_over == {str(folder): {"links to folders": 1}}  # it leads above the folder


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
    (refusal,) = refusals(find_videos([tmp_path])).values()
    assert "have the same video id" in str(refusal)


def test_names_that_differ_only_after_250_letters_have_ids_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / ("a" * 249 + "x.mp4"), tmp_path / ("a" * 249 + "y.mp4"))
    first, second = (source.video_id for source in find_videos([tmp_path]))
    assert first != second and len(first) <= 180


@pytest.mark.parametrize(
    "line", ["absent.mp4", "a" * 300 + ".mp4", "#a\n#b/c\nabsent #1.mp4", "loop.mp4"]
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


ADDRESSES = ["ssh://host/a.mp4", "ftp://host/a.mp4", "webdav://host/b", "file:///a.mp4"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_refused_where_a_path_is_wanted(tmp_path: Path, address: str) -> None:
    refusal = pytest.raises(InputError, match=f"^{address} is an address")
    with refusal:
        find_videos([Path(address)])
    (tmp_path / "videos.txt").write_text(f"{address}\n")
    with refusal:
        find_videos([tmp_path / "videos.txt"])


@pytest.mark.parametrize("suffix", ["gif", "GIF", "MTS", "m2ts", "M2TS", "VOB", "mxf", "ts"])
def test_what_cameras_and_discs_write_is_a_video(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path / f"a.{suffix}")
    assert refusals(find_videos([tmp_path])) == {"a": None}


def test_sound_is_found_where_it_is_wanted_and_counted_where_not(tmp_path: Path) -> None:
    names = [f"a{suffix}" for suffix in sorted(SOUND_SUFFIXES)]
    touch(tmp_path / "b.mp4", tmp_path / "b.wav", *(tmp_path / "sound" / name for name in names))
    found = find_videos([tmp_path])
    assert refusals(found) == {"b": None}
    assert found.passed_over[str(tmp_path)] == Counter({".wav": 2}) + Counter(
        suffix for suffix in SOUND_SUFFIXES if suffix != ".wav"
    )
    for name in names[1:]:
        (tmp_path / "sound" / name).unlink()
    found = find_videos([tmp_path], VIDEO_SUFFIXES | SOUND_SUFFIXES)
    assert [source.path.name for source in found] == ["b.mp4", names[0]]
    assert found.passed_over == {str(tmp_path): {".wav": 1}}  # the sound of b.mp4


def test_files_of_a_kind_that_is_not_read_are_counted(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("a.mp4", "b.M3U8", "c.m3u8", "README", ".hidden")))
    touch(tmp_path / "a.en.vtt", tmp_path / "a.json", tmp_path / "deep" / "cover.jpg")
    found = find_videos([tmp_path])
    assert found.passed_over == {str(tmp_path): {".m3u8": 2, ".jpg": 1, "without a suffix": 1}}
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(InputError, match=r"holds no video: looked for .*, passed over .*\.m3u8"):
        find_videos([tmp_path])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_read_or_refused(tmp_path: Path, encoding: str) -> None:
    touch(tmp_path / "süß.mp4")
    (tmp_path / "videos.txt").write_text("süß.mp4\r\n", encoding=encoding)
    if encoding == "utf-16":  # which begins with a byte order mark, as Windows writes it
        assert [source.path.name for source in find_videos([tmp_path / "videos.txt"])] == [
            "süß.mp4"
        ]
    else:
        with pytest.raises(InputError, match=r"videos\.txt is not a text file .* save it as UTF-8"):
            find_videos([tmp_path / "videos.txt"])


def test_a_name_in_a_list_may_begin_as_a_comment_does(tmp_path: Path) -> None:
    touch(tmp_path / "#1 pasta.mp4", tmp_path / "a.mp4")
    (tmp_path / "videos.txt").write_text("# soups\n#1 pasta.mp4\n#2 pasta.mp4\na.mp4\n")
    found = find_videos([tmp_path / "videos.txt"])
    assert [source.path.name for source in found] == ["#1 pasta.mp4", "a.mp4"]
