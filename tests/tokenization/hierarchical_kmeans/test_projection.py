from __future__ import annotations

import numpy as np
import pytest

from tokenization.hierarchical_kmeans.projection import (
    NotFinite,
    Projection,
    learn_projection,
    named_rows,
    refuse_not_finite,
)
from workfolder.errors import InputError

CROSS = np.array([[13, 2], [7, 2], [10, 3], [10, 1]], np.float32)
"""Around (10, 2), with a variance of 4.5 along the first axis and of 0.5 along the second."""


def test_none_subtracts_the_mean() -> None:
    projection = learn_projection(CROSS, "none", 1)
    assert projection.mean.tolist() == [10, 2] and projection.width == 2
    assert projection(CROSS).tolist() == [[3, 0], [-3, 0], [0, 1], [0, -1]]
    assert projection.undo(projection(CROSS)).tolist() == CROSS.tolist()
    assert projection.tensors.keys() == {"mean"}


def test_pca_keeps_the_direction_of_largest_variance() -> None:
    projection = learn_projection(CROSS, "pca", 1)
    assert projection.width == 1 and projection.tensors.keys() == {"mean", "components"}
    np.testing.assert_allclose(projection(CROSS)[:, 0], [3, -3, 0, 0], atol=1e-5)
    np.testing.assert_allclose(projection.undo(projection(CROSS))[2], [10, 2], atol=1e-5)


def test_whitening_gives_every_direction_unit_variance() -> None:
    projected = learn_projection(CROSS, "whiten", 2)(CROSS)
    np.testing.assert_allclose(projected.var(axis=0), [1, 1], rtol=1e-5)
    np.testing.assert_allclose(projected[0], [3 / 4.5**0.5, 0], atol=1e-5)


@pytest.mark.parametrize("kind", ["pca", "whiten"])
def test_directions_without_variance_are_left_out(kind: str) -> None:
    line = np.array([[0, 5], [1, 5], [2, 5]], np.float32)
    assert learn_projection(line, kind, 2).width == 1
    same = np.full((3, 2), 7, np.float32)
    assert learn_projection(same, kind, 2)(same).tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_the_row_that_is_not_finite_is_found(bad: float) -> None:
    rows = np.zeros((200, 2), np.float32)
    rows[150, 1] = bad
    with pytest.raises(NotFinite) as error:
        Projection(np.zeros(2, np.float32))(rows)
    assert error.value.row == 150
    with pytest.raises(NotFinite) as error:
        refuse_not_finite(rows, first=1000)
    assert error.value.row == 1150
    told = pytest.raises(InputError, match=r"^clip 157 holds NaN or infinity.*leave it out")
    with told, named_rows(lambda row: f"clip {row + 7}"):
        refuse_not_finite(rows)
