from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.projection import Projection
from tokenization.hierarchical_kmeans.tree import Tree, half_norms
from workfolder.errors import InputError

ABOUT = {"parameters": {"branching": 2, "depth": 2}}


@pytest.fixture
def tree() -> Tree:
    """Two nodes at -2 and 6 with the words -3, -1 and 6; word 3 is dead."""
    projection = Projection(np.array([10], np.float32))
    centers = [np.array(level, np.float32)[:, None] for level in ([-2, 6], [-3, -1, 6, 0])]
    return Tree(projection, 2, centers, [np.array([5, 1]), np.array([2, 3, 1, 0])], [9.0, 4.0])


def test_half_norms_are_infinite_for_the_dead(tree: Tree) -> None:
    assert [level.tolist() for level in tree.half_norms] == [
        [[2, 18]],
        [[4.5, 0.5], [18, np.inf]],
    ]
    assert half_norms(np.array([[3, 4]], np.float32), np.array([True])).tolist() == [12.5]


def test_leaves_are_the_living_words(tree: Tree) -> None:
    assert tree.leaves.tolist() == [0, 1, 2]
    assert tree.leaf_centers[:, 0].tolist() == [-3, -1, 6]
    assert tree.leaf_norms.tolist() == [4.5, 0.5, 18]


def test_what_is_written_is_read(tree: Tree, tmp_path: Path) -> None:
    tree.write(tmp_path, ABOUT)
    read, about = Tree.read(tmp_path)
    assert about["parameters"] == ABOUT["parameters"]
    assert (read.branching, read.inertia) == (2, [9.0, 4.0])
    assert read.projection.mean.tolist() == [10] and read.projection.components is None
    for one, other in ((read.centers, tree.centers), (read.sizes, tree.sizes)):
        assert [level.tolist() for level in one] == [level.tolist() for level in other]
    assert tree.tensors.keys() == {"mean", "centers.0", "centers.1"}


def test_every_flipped_bit_is_refused(tree: Tree, tmp_path: Path) -> None:
    tree.write(tmp_path, ABOUT)
    path = tmp_path / "centroids.safetensors"
    whole = path.read_bytes()
    for place in range(0, len(whole), 13):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(InputError, match=rf"^{path} is not as it was written.*run cluster"):
            Tree.read(tmp_path)


def test_a_codebook_without_a_digest_is_refused(tree: Tree, tmp_path: Path) -> None:
    tree.write(tmp_path, ABOUT)
    about = json.loads((tmp_path / "codebook.json").read_text())
    del about["centroids_digest"]
    (tmp_path / "codebook.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=r"codebook\.json beside it .*centroids_digest"):
        Tree.read(tmp_path)


def test_a_damaged_codebook_is_refused(tree: Tree, tmp_path: Path) -> None:
    tree.write(tmp_path, ABOUT)
    (tmp_path / "centroids.safetensors").unlink()
    with pytest.raises(InputError, match=r"centroids\.safetensors or .* run cluster again"):
        Tree.read(tmp_path)
    (tmp_path / "codebook.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="format 99, not 1: run cluster again"):
        Tree.read(tmp_path)
    with pytest.raises(InputError, match=r"codebook\.json"):
        Tree.read(tmp_path / "nowhere")


@pytest.mark.parametrize("key", [None, "parameters", "depth"])
def test_a_codebook_that_says_something_else_is_refused(
    tree: Tree, tmp_path: Path, key: str | None
) -> None:
    tree.write(tmp_path, ABOUT)
    about = json.loads((tmp_path / "codebook.json").read_text())
    if key == "depth":
        about["parameters"]["depth"] = "2"
    about = [] if key is None else {name: about[name] for name in about if name != key}
    (tmp_path / "codebook.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=r"codebook\.json beside it cannot be read"):
        Tree.read(tmp_path)
