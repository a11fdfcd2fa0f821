"""How long the demo says that it takes."""

from __future__ import annotations

import pytest

from demos.timetable import Timetable, cores, slowness, spelled


def test_at_first_the_machines_speed_tells() -> None:
    assert Timetable([30, 60], slowness=2).left == 180


def test_then_the_steps_so_far_tell() -> None:
    timetable = Timetable([30, 60, 10], slowness=2)
    timetable.done(90)
    assert timetable.left == 3 * 70
    timetable.done(90)
    assert timetable.left == 2 * 10
    timetable.done(1)
    assert timetable.left == 0


def test_a_short_step_says_little_of_the_speed() -> None:
    timetable = Timetable([5, 60], slowness=2)
    timetable.done(50)
    assert timetable.left == 120


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "10 seconds"), (44, "40 seconds"), (55, "1 minute"), (290, "5 minutes")],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert spelled(seconds) == said


def test_this_machine_has_cores_and_a_speed() -> None:
    assert cores().endswith(("1 core", " cores")) and slowness() > 0
