"""Arrays come through the channel as they are, and nothing comes that acts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.toys.decoders import (
    VIDEO,
    count,
    count_large,
    crash,
    double,
    give_back,
    limits_of,
    made_of,
    process_id,
    turned,
)
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits
from workfolder.guard_channel import MEMORY


@pytest.mark.parametrize("shape", [(0,), (5, 7), (MEMORY,), (MEMORY + 1,), (3 * MEMORY,)])
def test_arrays_of_every_size_arrive_as_they_are(guards: Guards, shape: tuple[int, ...]) -> None:
    for _ in range(2):
        received = guards.call(give_back, VIDEO, shape)
        assert np.array_equal(received, give_back(VIDEO, shape))
        received += 1  # it is ours to change


def test_an_array_that_is_not_contiguous_arrives_as_it_is(guards: Guards) -> None:
    assert np.array_equal(guards.call(turned, VIDEO), turned(VIDEO))


@pytest.mark.parametrize("size", [10, MEMORY + 1])
def test_arguments_may_be_arrays(guards: Guards, size: int) -> None:
    numbers = np.ones(size, dtype=np.uint8)
    for _ in range(2):
        assert np.array_equal(guards.call(double, VIDEO, numbers), numbers * 2)


def test_no_array_is_overwritten_while_the_reader_is_slow(guards: Guards) -> None:
    received = []
    for number, numbers in guards.stream(count, VIDEO, 12):
        time.sleep(0.02)
        received.append((number, numbers))
    assert [number for number, _ in received] == list(range(12))
    assert all((numbers == number).all() for number, numbers in received)


def test_large_arrays_stay_in_order(guards: Guards) -> None:
    for number, numbers in enumerate(guards.stream(count_large, VIDEO, 4)):
        assert len(numbers) == MEMORY + number and (numbers == number).all()


def test_memory_of_the_channel_is_given_back() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    guards = Guards()
    guards.call(process_id, VIDEO)
    before, threads = open_files(), threading.active_count()
    for _ in range(5):
        with pytest.raises(InputError):
            guards.call(crash, VIDEO)
    guards.call(process_id, VIDEO)
    assert open_files() <= before and threading.active_count() == threads


class Trap:
    """What a decoder that was taken over might send."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("sprung"),))


class TrapOfOurOwn:
    """Sends a dataclass of this package that the reader does not expect."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Limits, (1.0,))


def traps(path: Path, trap: type) -> Iterator[object]:
    yield trap()


@pytest.mark.parametrize("trap", [Trap, TrapOfOurOwn])
def test_a_process_that_sends_more_than_plain_values_is_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: type
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="what it should not"):
        list(Guards().stream(traps, tmp_path / "a.mp4", trap))
    assert not (tmp_path / "sprung").exists()


def test_the_reader_says_which_classes_may_come_back() -> None:
    guards = Guards(returns=[Limits])
    assert guards.call(limits_of, VIDEO) == Limits(1.0)
    with pytest.raises(InputError, match=r"workfolder\.maker\.Made is not expected"):
        guards.call(made_of, VIDEO)
