"""Videos come from a bucket of Google's over the loopback: gcsfs asks a stand-in for its API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import fsspec.config
import pytest

from tests.toys.command_line import Run
from tests.toys.far_kitchen import (
    MOST,
    SIZE,
    WORK_THROUGH,
    Content,
    assert_as_from,
    assert_same_features,
    killed_midway,
    kitchen,
    work_through,
)
from tests.toys.web_server import Site, web_server
from workfolder.sources import find_videos

pytestmark = pytest.mark.skipif(find_spec("gcsfs") is None, reason="needs gcsfs: pip install gcsfs")
FEW, VIDEOS = 24, 200
LOOPBACK = {
    "NO_GCE_CHECK": "true",  # or gcsfs looks for the credentials of one of Google's machines
    "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # or it asks Google what kind of bucket it is
    "FSSPEC_GS_TOKEN": "anon",  # for other processes; fsspec has read it before in this one
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A bucket, ``gs://kitchen``, that needs no credentials."""
    kitchen(tmp_path / "bucket", FEW)
    with web_server(tmp_path / "bucket") as running:
        told = {"STORAGE_EMULATOR_HOST": running.url, **LOOPBACK}
        anonymous = patch.dict(fsspec.config.conf, {"gs": {"token": "anon"}})
        with patch.dict(os.environ, told), anonymous:
            import gcsfs

            gcsfs.GCSFileSystem.clear_instance_cache()
            yield running
            gcsfs.GCSFileSystem.clear_instance_cache()


def test_a_bucket_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, site: Site
) -> None:
    kitchen(site.root, VIDEOS)
    site.delay = 0.001
    site.faults.update({f"video_{number:03d}.mp4": 1 for number in range(0, VIDEOS, 7)})
    site.cuts.update({f"video_{number:03d}.mp4": 1 for number in range(1, VIDEOS, 11)})
    listed = find_videos(["gs://kitchen/cooking/"])
    assert len(listed) == VIDEOS
    swapped = next(site.root.glob("cooking/**/video_009.mp4"))
    swapped.with_name("video_009.mp4.next").write_bytes(b"another" * (SIZE // 10))
    site.changes["video_009.mp4"] = 1
    maker = Content()
    report = work_through("gs://kitchen/cooking/", tmp_path / "far", maker, workers=3)
    assert report.complete and report.now == VIDEOS and max(maker.seen) <= MOST * 1e9
    assert not any([+site.faults, +site.cuts, +site.changes]) and site.reads["video_009.mp4"] >= 2
    assert_as_from(site.root / "cooking", tmp_path / "far")


def test_after_a_kill_the_same_command_goes_on(tmp_path: Path, site: Site) -> None:
    given, work, site.delay = "gs://kitchen/cooking/", tmp_path / "work", 0.05
    before = killed_midway(["-c", WORK_THROUGH, given, work, 20], work, FEW)
    site.delay = 0.0
    assert work_through(given, work).now == FEW - before
    assert_as_from(site.root / "cooking", work)


def test_what_is_not_there_fails_at_once(tmp_path: Path, site: Site) -> None:
    given = tmp_path / "list.txt"
    given.write_text("gs://kitchen/none.mp4\n")
    report = work_through(given, tmp_path / "work")
    assert report.failures == {"none": "gs://kitchen/none.mp4 is not there"}


def test_a_real_video_is_extracted_from_a_bucket_as_from_a_folder(
    tmp_path: Path, site: Site, videobert: Run, shared_data: Path
) -> None:
    video = shared_data / "video" / "torchcodec" / "nasa_13013.mp4"
    (site.root / "real").mkdir()
    (site.root / "real" / video.name).write_bytes(video.read_bytes())
    site.faults[video.name] = site.cuts[video.name] = 1
    for work, given in (("near", video), ("far", "gs://kitchen/real/")):
        done = videobert(
            *("extract", given, "--work", tmp_path / work, "--scratch", tmp_path / "scratch"),
            *("--weights", "random:0:64", "--engine", "torch"),
        )
        assert done.status == 0, done.err
    address = f"gs://kitchen/real/{video.name}"
    assert_same_features(tmp_path / "near", tmp_path / "far", video.stem, address)
