from __future__ import annotations

import os
from pathlib import Path

import pytest

from tokenization.outdated import remove_outdated
from workfolder.stage import Stage


@pytest.fixture
def stages(tmp_path: Path) -> tuple[Stage, Stage, Stage]:
    """A stage and two that it is made from, all without files."""
    made, one, other = (Stage(tmp_path / name) for name in ("made", "one", "other"))
    for stage in (made, one, other):
        stage.folder.mkdir()
    return made, one, other


def write(stage: Stage, video: str, second: int) -> None:
    stage.path(video).touch()
    os.utime(stage.path(video), (second, second))


def test_only_what_is_older_than_an_origin_is_removed(stages: tuple[Stage, Stage, Stage]) -> None:
    made, one, other = stages
    for video, times in {"a": (5, 4, 3), "b": (5, 4, 6), "c": (5, 6, 4), "d": (5, 5, 5)}.items():
        for stage, second in zip(stages, times, strict=True):
            write(stage, video, second)
    write(made, "e", 5)
    remove_outdated(made, one, other)
    assert made.done() == ["a", "d", "e"]
    remove_outdated(Stage(made.folder / "nowhere"), one)
