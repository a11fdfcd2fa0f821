"""Videos come from a data set of the Hub, a stand-in's on the loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from feature_extraction.schema import SOURCE_KEY
from tests.toys.hub_server import Hub, ask_hub, hub_server
from tests.workfolder.test_scratch import SIZE, kitchen, made, work_through
from workfolder.files import read_table

NAME, VIDEOS = "kitchen/red", 24
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as running:
        yield running


@pytest.fixture
def ask(hub: Hub, tmp_path: Path) -> Ask:
    """Run Python with the server as its Hub."""
    return partial(ask_hub, hub, tmp_path)


WORK_THROUGH = """
import sys
from pathlib import Path
from tests.workfolder.test_scratch import work_through
report = work_through(sys.argv[1], Path(sys.argv[2]), workers=3, patience=float(sys.argv[3]))
for reason in report.failures.values():
    print(reason)
"""


def test_a_data_set_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, hub: Hub, ask: Ask
) -> None:
    local = kitchen(tmp_path / "local", VIDEOS) / "cooking"
    names = {f"cooking/{path.relative_to(local)}": path for path in sorted(local.rglob("*.mp4"))}
    hub.repositories[NAME] = {name: path.read_bytes() for name, path in names.items()}
    first, second, third, fourth = list(names)[:4]
    hub.faults[first], hub.cuts[second], hub.cuts[third] = 1, 1, 2
    hub.changes[fourth] = b"another" * (SIZE // 10)
    names[fourth].write_bytes(hub.changes[fourth])
    far = f"hf://datasets/{NAME}/cooking"
    done = ask("-c", WORK_THROUGH, far, tmp_path / "far", 20)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not hub.changes and not any([+hub.faults, +hub.cuts])
    assert work_through(local, tmp_path / "near").complete
    assert made(tmp_path / "far") == made(tmp_path / "near") and len(made(tmp_path / "far")) == 24
    assert hub.listings < VIDEOS  # not one for each file


def test_what_is_not_there_fails_at_once(tmp_path: Path, hub: Hub, ask: Ask) -> None:
    hub.repositories[NAME] = {"here.mp4": b"here"}
    given = tmp_path / "list.txt"
    given.write_text(f"hf://datasets/{NAME}/none.mp4\nhf://datasets/nobody/none/none2.mp4\n")
    done = ask("-c", WORK_THROUGH, given, tmp_path / "far", 60)
    assert done.stdout.splitlines() == [
        f"hf://datasets/{NAME}/none.mp4 is not there",
        "hf://datasets/nobody/none/none2.mp4 is not there",
    ], done.stderr


def test_a_real_video_is_extracted_from_a_data_set_as_from_a_folder(
    tmp_path: Path, hub: Hub, ask: Ask, shared_data: Path
) -> None:
    video = shared_data / "video" / "torchcodec" / "nasa_13013.mp4"
    hub.repositories[NAME] = {f"videos/{video.name}": video.read_bytes()}
    hub.cuts[f"videos/{video.name}"] = 1
    for work, given in (("near", video), ("far", f"hf://datasets/{NAME}/videos/")):
        done = ask(
            *("-m", "videobert", "extract", given, "--work", tmp_path / work),
            *("--weights", "random:0:64", "--engine", "torch", "--scratch", tmp_path / "scratch"),
        )
        assert done.returncode == 0, done.stderr
    near, far = (
        read_table(tmp_path / work / "features" / f"{video.stem}.parquet")
        for work in ("near", "far")
    )
    assert near.equals(far) and near.num_rows > 3
    assert far.schema.metadata[SOURCE_KEY].decode() == f"hf://datasets/{NAME}/videos/{video.name}"
