from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_extraction import guard
from feature_extraction.channel import MEMORY
from feature_extraction.errors import InputError
from feature_extraction.guard import Guards, Limits
from feature_extraction.jobs import Task, Work
from feature_extraction.sources import Source
from feature_extraction.storage import Stage

ROOT = Path(__file__).resolve().parents[2]
HANG = 30
"""Seconds after which whatever should have ended has not."""


# What a decoder might do. These run in the process behind a guard.


def process_id(path: Path) -> int:
    return os.getpid()


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(path: Path) -> None:
    sys.exit(7)


def hang(path: Path) -> None:
    time.sleep(3600)


def hang_in_c(path: Path) -> None:
    """A C call that never lets Python's other threads run."""
    (path.parent / "pid").write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(3600)


def fall_silent(path: Path) -> None:
    """Close the channel, whose number stands on the command line, and live on."""
    os.close(int(Path("/proc/self/cmdline").read_bytes().split(b"\0")[-3]))
    time.sleep(3600)


def stop_within_a_message(path: Path) -> None:
    """Announce four kilobytes, and send none."""
    os.write(int(Path("/proc/self/cmdline").read_bytes().split(b"\0")[-3]), b"\0\0\x10\0")
    time.sleep(3600)


def eat_memory(path: Path) -> None:
    hoard = []
    while True:
        hoard.append(np.ones(2**22))


def flood(path: Path) -> str:
    for _ in range(2000):
        os.write(1, b"x" * 2**12)
        os.write(2, b"x" * 2**12)
    return "dry"


def break_down(path: Path) -> None:
    raise ZeroDivisionError("a bug")


def refuse(path: Path) -> None:
    raise InputError(f"{path} is none: mend it")


def double(path: Path, numbers: np.ndarray) -> np.ndarray:
    return numbers * 2


def give_back(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def turned(path: Path) -> np.ndarray:
    return np.arange(24).reshape(2, 3, 4)[:, ::-1].T


def unpicklable(path: Path) -> Callable[[], None]:
    return lambda: None


def count(path: Path, times: int) -> Generator[tuple[int, np.ndarray], None, str]:
    for number in range(times):
        yield number, np.full((500, 1000), number)
    return "all"


def count_large(path: Path, times: int) -> Generator[np.ndarray, None, None]:
    for number in range(times):
        yield np.full(MEMORY + number, number, dtype=np.uint8)


def count_slowly(path: Path) -> Iterator[int]:
    number = 0
    while True:
        time.sleep(0.01)
        yield number
        number += 1


def first_then_crash(path: Path) -> Iterator[int]:
    yield 1
    os.abort()


VIDEO = Path("soup.mp4")


@pytest.fixture
def guards() -> Iterator[Guards]:
    made = Guards(Limits(seconds=HANG, memory=2**28))
    yield made
    made.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + HANG
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_a_process_is_used_again_for_the_next_file(guards: Guards) -> None:
    first = guards.call(process_id, VIDEO)
    assert first != os.getpid()
    assert [guards.call(process_id, VIDEO) for _ in range(3)] == [first] * 3


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (crash, r"soup\.mp4 ended the process that read it \(SIGSEGV\)"),
        (leave, r"soup\.mp4 ended the process that read it \(exit status 7\)"),
        (eat_memory, r"soup\.mp4 needs more than 0\.25 GB to read"),
        (break_down, r"soup\.mp4: unexpected ZeroDivisionError: a bug"),
        (refuse, r"^soup\.mp4 is none: mend it$"),
        (unpicklable, r"soup\.mp4 ended the process"),
    ],
)
def test_what_goes_wrong_is_told_and_costs_only_its_file(guards: Guards, work: Callable[..., Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        guards.call(work, VIDEO)
    assert guards.call(give_back, VIDEO, (3,)).tolist() == [0, 1, 2]


def test_a_refusal_leaves_the_process_in_use(guards: Guards) -> None:
    first = guards.call(process_id, VIDEO)
    for work in (refuse, break_down, eat_memory):
        with pytest.raises(InputError):
            guards.call(work, VIDEO)
    assert guards.call(process_id, VIDEO) == first


@pytest.mark.parametrize("work", [hang, hang_in_c])
def test_what_hangs_is_ended_in_time(tmp_path: Path, work: Callable[..., Any]) -> None:
    guards = Guards(Limits(seconds=4))
    with pytest.raises(InputError, match=r"soup\.mp4 could not be read in 4 s: .*--timeout"):
        guards.call(work, tmp_path / "soup.mp4")
    assert guards.call(give_back, VIDEO, (1,)).tolist() == [0]


def test_the_time_of_the_reader_is_not_the_files() -> None:
    reading = Guards(Limits(seconds=4)).stream(count, VIDEO, 18)
    for _ in reading:
        time.sleep(0.25)
    assert reading.result == "all" and reading.seconds < 4


def test_the_time_of_all_items_adds_up() -> None:
    with pytest.raises(InputError, match="could not be read in 1 s"):
        list(Guards(Limits(seconds=1)).stream(count_slowly, VIDEO))


def test_what_falls_silent_but_lives_on_is_ended(guards: Guards) -> None:
    with pytest.raises(InputError, match="ended the process"):
        guards.call(fall_silent, VIDEO)


def test_a_message_that_stops_half_way_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS_WITHIN_MESSAGE", 1)
    with pytest.raises(InputError, match="it fell silent"):
        Guards(Limits(seconds=HANG)).call(stop_within_a_message, VIDEO)


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
def test_a_limit_may_be_none_at_all(seconds: float) -> None:
    assert Guards(Limits(seconds)).call(give_back, VIDEO, (1,)).tolist() == [0]


def test_a_flood_of_messages_goes_nowhere(guards: Guards, capfd: pytest.CaptureFixture[str]) -> None:
    assert guards.call(flood, VIDEO) == "dry"
    assert capfd.readouterr() == ("", "")


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


def test_a_reading_that_is_left_half_way_ends_its_process(guards: Guards) -> None:
    pid = guards.call(process_id, VIDEO)
    reading = guards.stream(count, VIDEO, 10**6)
    next(reading)
    assert alive(pid)
    del reading
    assert not alive(pid)
    assert guards.call(process_id, VIDEO) != pid


def test_items_before_a_crash_are_kept(guards: Guards) -> None:
    reading = guards.stream(first_then_crash, VIDEO)
    assert next(reading) == 1
    with pytest.raises(InputError, match="SIGABRT"):
        next(reading)
    assert next(reading, None) is None


def test_a_process_that_died_while_idle_costs_no_file(guards: Guards) -> None:
    pid = guards.call(process_id, VIDEO)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pid))
    assert guards.call(process_id, VIDEO) != pid


def test_closing_ends_what_reads_and_later_files_get_new_processes(guards: Guards) -> None:
    reading = guards.stream(count_slowly, VIDEO)
    next(reading)
    pid = guards.call(process_id, VIDEO)
    guards.close()
    with pytest.raises(InputError, match="SIGKILL"):
        list(reading)
    assert not alive(pid)
    assert guards.call(process_id, VIDEO) != pid


def test_what_ends_while_the_guards_close_is_not_used_again(guards: Guards) -> None:
    reading = guards.stream(count, VIDEO, 1)
    for kind, _ in reading._messages:
        if kind == "done":  # the last message is read, the process is not given back yet
            guards.close()
    assert guards.call(give_back, VIDEO, (1,)).tolist() == [0]


def test_what_is_closed_before_its_first_answer_is_not_begun_again(guards: Guards) -> None:
    guards.call(process_id, VIDEO)  # so that the next one gets a process that was idle
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(guards.call, hang, VIDEO)
        assert wait_until(lambda: not guards._idle)
        time.sleep(0.3)
        begin = time.monotonic()
        guards.close()
        with pytest.raises(InputError, match="ended the process"):
            reading.result(timeout=HANG)
        assert time.monotonic() - begin < HANG / 2 and not guards._all


def test_forgotten_guards_end_their_processes() -> None:
    guards = Guards()
    pid = guards.call(process_id, VIDEO)
    del guards
    assert not alive(pid)


def test_many_threads_read_at_once(guards: Guards) -> None:
    def read(number: int) -> int:
        if number % 5 == 4:
            with pytest.raises(InputError, match="SIGSEGV"):
                guards.call(crash, VIDEO)
        numbers = [numbers for _, numbers in guards.stream(count, VIDEO, number % 4 + 1)]
        assert all((array == place).all() for place, array in enumerate(numbers))
        return len(numbers)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(40))) == [number % 4 + 1 for number in range(40)]
    assert len(guards._idle) <= 8


def test_closing_from_another_thread_ends_every_reading(guards: Guards) -> None:
    def read() -> str:
        with pytest.raises(InputError) as caught:
            list(guards.stream(count_slowly, VIDEO))
        return str(caught.value)

    with ThreadPoolExecutor(3) as pool:
        readings = [pool.submit(read) for _ in range(3)]
        assert wait_until(lambda: len(guards._all) == 3)
        time.sleep(0.3)
        guards.close()
        assert all("SIGKILL" in reading.result(timeout=HANG) for reading in readings)


PARENT = """
import sys
from pathlib import Path
from feature_extraction.guard import Guards
from tests.feature_extraction import test_guard
guards = Guards()
print(guards.call(test_guard.process_id, Path("v")), flush=True)
guards.call(getattr(test_guard, sys.argv[1]), Path(sys.argv[2]) / "v")
"""


@pytest.mark.parametrize("work", ["hang", "hang_in_c", "eat_memory"])
def test_a_killed_parent_leaves_no_process(tmp_path: Path, work: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, work, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    if work == "hang_in_c":
        assert wait_until((tmp_path / "pid").exists)
    time.sleep(0.2)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not alive(pid))


def test_modules_of_the_working_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "av", "pickle", "mmap"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.setattr(sys, "path", [str(ROOT), *(entry for entry in sys.path if entry)])
    monkeypatch.chdir(tmp_path)
    assert Guards().call(give_back, VIDEO, (1,)).tolist() == [0]
    assert not (tmp_path / "canary").exists()


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
    """A dataclass of this package that does something when it is called."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Task(Stage(Path("sprung")), Work), (Source("a", Path("a.mp4")),))  # type: ignore[arg-type]


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
