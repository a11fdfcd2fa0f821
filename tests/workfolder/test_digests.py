"""A flipped bit of weights is found by the digests beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from workfolder.digests import DIGESTS_FILE, check_digests, write_digests
from workfolder.errors import InputError
from workfolder.files import read_json


def write_weights(folder: Path) -> Path:
    for name in ("a", "b"):
        (folder / f"{name}.safetensors").write_bytes(b"weights " + name.encode())
    (folder / "config.json").write_text("{}")
    write_digests(folder)
    return folder


def test_each_file_of_weights_has_its_whole_sha256(tmp_path: Path) -> None:
    assert read_json(write_weights(tmp_path) / DIGESTS_FILE) == {
        f"{name}.safetensors": hashlib.sha256(b"weights " + name.encode()).hexdigest()
        for name in ("a", "b")
    }
    check_digests(tmp_path, "make it again")


@pytest.mark.parametrize("damage", ["flip", "remove", "add"])
def test_a_folder_that_is_not_as_it_was_written_is_refused(tmp_path: Path, damage: str) -> None:
    weights = write_weights(tmp_path) / "b.safetensors"
    if damage == "flip":
        content = bytearray(weights.read_bytes())
        content[3] ^= 1
        weights.write_bytes(content)
    elif damage == "remove":
        weights.unlink()
    else:
        (tmp_path / "b2.safetensors").write_bytes(b"more")
    with pytest.raises(InputError, match=r"b2?\.safetensors is not as it was written: make it"):
        check_digests(tmp_path, "make it again")


def test_a_folder_without_digests_is_taken(tmp_path: Path) -> None:
    (write_weights(tmp_path) / DIGESTS_FILE).unlink()
    check_digests(tmp_path, "make it again")
