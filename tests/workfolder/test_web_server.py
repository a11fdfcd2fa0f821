"""Videos come from a web server over the loopback, by HTTP and HTTPS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.toys.far_kitchen import (
    MOST,
    ROOT,
    SIZE,
    WORK_THROUGH,
    Content,
    assert_as_from,
    assert_same_features,
    killed_midway,
    kitchen,
    work_through,
)
from tests.toys.web_server import SECRET, Site, certificate, web_server
from workfolder.errors import InputError
from workfolder.sources import find_videos

pytest.importorskip("aiohttp", reason="needs aiohttp")

VIDEOS = 200


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    kitchen(tmp_path / "site", 12)
    with web_server(tmp_path / "site") as running:
        yield running


def listing(site: Site, where: Path, query: str = "") -> Path:
    """A list of the addresses of all videos, as nobody can list a web server."""
    videos = sorted(site.root.glob("cooking/**/*.mp4"))
    lines = [f"{site.url}/{each.relative_to(site.root)}".replace(" ", "%20") for each in videos]
    where.write_text("".join(f"{line}{query}\n" for line in lines))
    return where


def flat(folder: Path, site: Site) -> Path:
    """The same videos in one folder: a list of addresses gives ids without the folders."""
    folder.mkdir()
    for path in site.root.glob("cooking/**/*.mp4"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_site_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, site: Site
) -> None:
    kitchen(site.root, VIDEOS)
    site.delay = 0.001
    # fsspec asks by HEAD, then by GET, and says of two failures that the file is not there.
    site.faults.update({f"video_{number:03d}.mp4": 1 + number % 3 for number in range(0, 200, 7)})
    site.cuts.update({f"video_{number:03d}.mp4": 1 for number in range(1, 200, 11)})
    swapped = next(site.root.glob("cooking/**/video_009.mp4"))
    swapped.with_name("video_009.mp4.next").write_bytes(b"another" * (SIZE // 10))
    site.changes["video_009.mp4"] = 1
    maker, given = Content(), listing(site, tmp_path / "list.txt")
    report = work_through(given, tmp_path / "far", maker, workers=3)
    assert report.complete and report.now == VIDEOS and max(maker.seen) <= MOST * 1e9
    assert not any([+site.faults, +site.cuts, +site.changes]) and site.reads["video_009.mp4"] >= 2
    assert_as_from(flat(tmp_path / "flat", site), tmp_path / "far")


def test_after_a_kill_the_same_command_goes_on(tmp_path: Path, site: Site) -> None:
    videos = len(list(kitchen(site.root, 24).rglob("*.mp4")))
    given, work, site.delay = listing(site, tmp_path / "list.txt"), tmp_path / "work", 0.05
    before = killed_midway(["-c", WORK_THROUGH, given, work, 20], work, videos)
    site.delay = 0.0
    assert work_through(given, work).now == videos - before
    assert_as_from(flat(tmp_path / "flat", site), work)


def test_a_file_that_changes_without_a_name_for_its_version_is_told_by_its_time(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workfolder import addresses

    seen = iter([{"size": 5, "Last-Modified": "Mon"}, {"size": 5, "Last-Modified": "Tue"}] * 9)
    system = type("System", (), {"protocol": "https", "invalidate_cache": lambda self: None})()
    system.info = lambda path: next(seen)
    system.open = lambda path, mode: (tmp_path / "list.txt").open("rb")
    (tmp_path / "list.txt").write_text("12345")
    monkeypatch.setattr(addresses, "_system", lambda address: (system, address))
    with pytest.raises(InputError, match="it changed while it was read; tried 1 times"):
        addresses.fetch("https://here/a.mp4", tmp_path / "a", 0, lambda size: None)


def test_what_is_not_there_or_closed_fails_at_once_and_what_is_busy_is_tried_again(
    tmp_path: Path, site: Site
) -> None:
    site.closed.add("video_001.mp4")
    site.faults.update({"video_002.mp4": 1000})
    given = tmp_path / "list.txt"
    names = ["group%200/none.mp4", "group%201/video_001.mp4", "group%202/video_002.mp4"]
    given.write_text("".join(f"{site.url}/cooking/{name}?{SECRET}\n" for name in names))
    report = work_through(given, tmp_path / "work", patience=1.0)
    address = f"{site.url}/cooking"
    assert report.failures["none"] == f"{address}/group%200/none.mp4 is not there"
    assert report.failures["video_001"].startswith(f"{address}/group%201/video_001.mp4 may not be")
    assert report.failures["video_002"] == (
        f"{address}/group%202/video_002.mp4 could not be fetched (ClientResponseError 503; tried "
        "2 times): --retry-failed tries again"
    )
    noted = "".join(path.read_text() for path in tmp_path.glob("work/*.jsonl"))
    assert "none" in noted and SECRET not in noted


def test_a_server_that_nobody_answers_for_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    with web_server(tmp_path / "site") as gone:
        given = tmp_path / "list.txt"
        given.write_text(f"{gone.url}/a.mp4\n")
    report = work_through(given, tmp_path / "work", patience=0.5)
    assert "could not be fetched (ClientConnector" in report.failures["a"]
    assert "tried 2 times" in report.failures["a"]


def test_a_web_server_lists_no_folder(site: Site) -> None:
    with pytest.raises(InputError, match="lists no folders: write the addresses"):
        find_videos([f"{site.url}/cooking/"])


def test_a_real_video_is_extracted_by_https_as_from_a_folder(
    tmp_path: Path, shared_data: Path
) -> None:
    video = shared_data / "video" / "torchcodec" / "nasa_13013.mp4"
    public, private = certificate(tmp_path)
    with web_server(video.parent, (public, private)) as site:
        site.faults[video.name], site.cuts[video.name] = 2, 1
        given = tmp_path / "list.txt"
        given.write_text(f"{site.url}/{video.name}?{SECRET}\n")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        for work, videos in (("near", video), ("far", given)):
            command = [
                *(sys.executable, "-m", "videobert", "extract", videos, "--work", tmp_path / work),
                *("--weights", "random:0:64", "--engine", "torch", "--patience", "60"),
                *("--scratch", tmp_path / "scratch"),
            ]
            done = subprocess.run(
                list(map(str, command)),
                env=environment | {"SSL_CERT_FILE": str(public)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert SECRET not in done.stdout + done.stderr
    address = f"{site.url}/{video.name}"
    assert_same_features(tmp_path / "near", tmp_path / "far", video.stem, address)
    assert not list((tmp_path / "scratch").iterdir())
