"""A fit that is killed continues."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.toys.features import blobs, made_of
from tokenization.hierarchical_kmeans import checkpoint, growing
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.errors import InputError


class Killed(Exception):
    """Stands for a signal."""


def dying(
    write: Callable[[dict[str, np.ndarray], Path], None], at: int
) -> Callable[[dict[str, np.ndarray], Path], None]:
    """A writer that dies half way through its ``at``-th file."""
    numbers = count(1)

    def write_or_die(tensors: dict[str, np.ndarray], path: Path) -> None:
        if next(numbers) == at:
            path.write_bytes(b"half")
            raise Killed
        write(tensors, path)

    return write_or_die


def test_a_fit_that_was_killed_anywhere_continues_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "GROUP_BYTES", 2 * 16 * 100)  # several groups a level
    rows = blobs()
    expected = made_of(HierarchicalKMeans(4, 3).fit(rows))
    writes = checkpoint.save_file
    for kills in range(1, 50):
        monkeypatch.setattr(checkpoint, "save_file", dying(writes, kills))
        folder = tmp_path / str(kills)
        try:
            HierarchicalKMeans(4, 3).fit(rows, checkpoint=folder)
            break
        except Killed:
            monkeypatch.setattr(checkpoint, "save_file", writes)
            assert made_of(HierarchicalKMeans(4, 3).fit(rows, checkpoint=folder)) == expected
    assert kills > 8


def test_a_checkpoint_spares_the_work_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HierarchicalKMeans(4, 3).fit(blobs(), checkpoint=tmp_path)
    monkeypatch.delattr(growing, "fit_node")
    HierarchicalKMeans(4, 3).fit(blobs(), checkpoint=tmp_path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    HierarchicalKMeans(4, 2).fit(blobs(), checkpoint=tmp_path)
    with pytest.raises(InputError, match="max_iter was 25 and is now 26; remove it to start again"):
        HierarchicalKMeans(4, 2, max_iter=26).fit(blobs(), checkpoint=tmp_path)
    with pytest.raises(InputError, match="features was"):
        HierarchicalKMeans(4, 2).fit(blobs(seed=1), checkpoint=tmp_path)
    with pytest.raises(InputError, match="random_state"):
        HierarchicalKMeans(4, 2, random_state=None).fit(blobs(), checkpoint=tmp_path)


def test_a_path_names_the_child_at_every_level() -> None:
    assert growing.node_path(0, 0, 4) == ()  # the root
    assert growing.node_path(27, 3, 4) == (1, 2, 3)  # 1 * 16 + 2 * 4 + 3


@pytest.mark.parametrize("name", ["projection", "level-0-rows", "level-1-nodes-0"])
def test_a_torn_file_of_a_checkpoint_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    expected = made_of(HierarchicalKMeans(4, 2).fit(blobs(), checkpoint=tmp_path))
    torn = tmp_path / f"{name}.safetensors"
    whole = torn.read_bytes()
    torn.write_bytes(whole[:-1])
    assert made_of(HierarchicalKMeans(4, 2).fit(blobs(), checkpoint=tmp_path)) == expected
    assert (
        torn.read_bytes() == whole
        and f"{name}.safetensors cannot be read and is made again" in caplog.text
    )
