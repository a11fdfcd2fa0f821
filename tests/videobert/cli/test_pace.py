"""The time that is left is told by the pace of the later half, once there is enough to tell."""

from __future__ import annotations

import pytest

from videobert.cli.pace import ENOUGH_PIECES, ENOUGH_SECONDS, Pace


def test_before_the_first_piece_nothing_is_known() -> None:
    pace = Pace(100.0, 7)
    assert pace.left(100.0, 7, 20) is None and pace.left(900.0, 7, 20) is None


def test_a_steady_stage_has_the_time_of_its_pieces() -> None:
    pace = Pace(100.0, 10)  # an earlier run did 10, which says nothing about the speed
    for done in range(11, 41):
        left = pace.left(100.0 + done - 10, done, 50)
        assert left == (None if done < 10 + ENOUGH_PIECES else 50 - done)


def test_a_slow_stage_is_told_after_a_while() -> None:
    pace = Pace(0.0, 0)
    assert pace.left(ENOUGH_SECONDS - 1, 1, 10) is None
    assert pace.left(2 * ENOUGH_SECONDS, 2, 10) == 8 * (ENOUGH_SECONDS + 1)


def test_slow_first_pieces_are_soon_forgotten() -> None:
    pace, now = Pace(0.0, 0), 0.0
    for done in range(1, 101):
        now += 0.5 if done <= 10 else 0.05
        left = pace.left(now, done, 1000)
        if done >= ENOUGH_PIECES:
            assert left == pytest.approx(0.05 * (1000 - done))


def test_calls_between_pieces_change_nothing() -> None:
    pace = Pace(0.0, 0)
    for done in range(1, 41):
        first, second = (pace.left(done + wait, done, 50) for wait in (0.0, 0.5))
        assert first == second


def test_a_stage_that_runs_again_is_timed_anew() -> None:
    pace = Pace(0.0, 0)
    for done in range(1, 51):
        pace.left(10.0 * done, done, 50)
    for done in range(1, 41):
        left = pace.left(500.0 + done, done, 200)
        assert left == (None if done <= ENOUGH_PIECES else 200 - done)
