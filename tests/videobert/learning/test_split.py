"""Whole videos are kept apart, never all of them; names decide what is held out for ever."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.learning.split import is_held_out, kept_apart

VIDEOS = np.repeat([f"v{n}" for n in range(10)], 3)


@pytest.mark.parametrize(
    ("share", "least", "number"),
    [(0.0, 0, 0), (0.0, 1, 0), (0.04, 0, 0), (0.04, 1, 1), (0.3, 0, 3), (0.5, 1, 5)],
)
def test_a_share_of_the_videos_is_kept_apart_whole(share: float, least: int, number: int) -> None:
    apart = kept_apart(VIDEOS, share, seed=0, least=least)
    assert len(set(VIDEOS[apart])) == number and apart.sum() == 3 * number


def test_the_only_video_is_never_kept_apart() -> None:
    assert not kept_apart(["v", "v"], 0.5, seed=0, least=1).any()


def test_the_seed_chooses() -> None:
    assert (kept_apart(VIDEOS, 0.3, 1) == kept_apart(VIDEOS, 0.3, 1)).all()
    assert any(
        (kept_apart(VIDEOS, 0.3, 1) != kept_apart(VIDEOS, 0.3, seed)).any() for seed in (2, 3)
    )


def test_a_tenth_of_the_names_is_held_out() -> None:
    held_out = [name for name in (f"{n}.txt" for n in range(2000)) if is_held_out(name)]
    assert 150 < len(held_out) < 250
