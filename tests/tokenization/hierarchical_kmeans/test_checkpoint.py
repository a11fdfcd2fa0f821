from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.checkpoint import Checkpoint
from workfolder.errors import InputError


def make() -> dict[str, np.ndarray]:
    return {"rows": np.arange(3)}


def never() -> dict[str, np.ndarray]:
    raise AssertionError("it is there")


def test_what_is_there_is_read_and_not_made(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path, {"seed": 1})("level-0", make)["rows"].tolist() == [0, 1, 2]
    assert Checkpoint(tmp_path, {"seed": 1})("level-0", never)["rows"].tolist() == [0, 1, 2]


def test_without_a_folder_nothing_is_kept() -> None:
    keep = Checkpoint(None, {})
    keep("level-0", make)
    with pytest.raises(AssertionError, match="it is there"):
        keep("level-0", never)


def test_a_torn_piece_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep = Checkpoint(tmp_path, {})
    keep("level-0", make)
    path = tmp_path / "level-0.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    keep("level-0", make)
    assert path.read_bytes() == whole and f"{path} cannot be read and is made again" in caplog.text


def test_a_folder_of_another_fit_is_refused(tmp_path: Path) -> None:
    Checkpoint(tmp_path, {"seed": 1})
    with pytest.raises(InputError, match=r"seed was 1 and is now 2; remove it to start again$"):
        Checkpoint(tmp_path, {"seed": 2})
