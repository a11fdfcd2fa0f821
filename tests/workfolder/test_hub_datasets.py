"""Videos come from a data set of the Hub, a stand-in's on the loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.toys.far_kitchen import (
    SIZE,
    WORK_THROUGH,
    assert_as_from,
    assert_same_features,
    killed_midway,
    kitchen,
    made,
)
from tests.toys.hub_server import Hub, ask_hub, hub_environment, hub_server

NAME, VIDEOS = "kitchen/red", 24
COOKING = f"hf://datasets/{NAME}/cooking"
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as running:
        yield running


@pytest.fixture
def ask(hub: Hub, tmp_path: Path) -> Ask:
    """Run Python with the server as its Hub."""
    return partial(ask_hub, hub, tmp_path)


def fill(hub: Hub, local: Path) -> dict[str, Path]:
    """Put a folder's videos into the data set, and return them by their names there."""
    names = {f"cooking/{path.relative_to(local)}": path for path in sorted(local.rglob("*.mp4"))}
    hub.repositories[NAME] = {name: path.read_bytes() for name, path in names.items()}
    return names


def test_a_data_set_that_fails_and_changes_gives_the_bytes_of_a_folder(
    tmp_path: Path, hub: Hub, ask: Ask
) -> None:
    local = kitchen(tmp_path / "local", VIDEOS) / "cooking"
    names = fill(hub, local)
    first, second, third, fourth = list(names)[:4]
    hub.faults[first], hub.cuts[second], hub.cuts[third] = 1, 1, 2
    hub.changes[fourth] = b"another" * (SIZE // 10)
    names[fourth].write_bytes(hub.changes[fourth])
    done = ask("-c", WORK_THROUGH, COOKING, tmp_path / "far", 20)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not hub.changes and not any([+hub.faults, +hub.cuts])
    assert_as_from(local, tmp_path / "far")
    assert len(made(tmp_path / "far")) == VIDEOS
    assert hub.listings < VIDEOS  # not one for each file


def test_after_a_kill_the_same_command_goes_on(tmp_path: Path, hub: Hub, ask: Ask) -> None:
    local, work = kitchen(tmp_path / "local", VIDEOS) / "cooking", tmp_path / "far"
    fill(hub, local)
    words, hub.delay = ["-c", WORK_THROUGH, COOKING, work, 20], 0.1
    before = killed_midway(words, work, VIDEOS, hub_environment(hub, tmp_path))
    hub.delay = 0.0
    hub.asked.clear()
    done = ask(*words)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(hub.asked) == VIDEOS - before
    assert_as_from(local, work)


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
    address = f"hf://datasets/{NAME}/videos/{video.name}"
    assert_same_features(tmp_path / "near", tmp_path / "far", video.stem, address)
