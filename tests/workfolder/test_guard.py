from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.toys.decoders import (
    HANG,
    VIDEO,
    break_down,
    count,
    count_slowly,
    crash,
    eat_memory,
    fall_silent,
    first_then_crash,
    flood,
    give_back,
    hang,
    hang_in_c,
    leave,
    process_id,
    refuse,
    stop_within_a_message,
    unpicklable,
)
from workfolder import guard
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits

ROOT = Path(__file__).resolve().parents[2]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children() -> set[str]:
    """The processes that this one has started."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def wait_until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + HANG
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_a_process_that_was_started_before_reads_the_next_file(guards: Guards) -> None:
    others = children()
    for _ in range(3):  # only the first starts one
        guards.start(process_id)
    assert children() - others == {str(guards.call(process_id, VIDEO))}


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
def test_what_goes_wrong_is_told_and_costs_only_its_file(
    guards: Guards, work: Callable[..., Any], reason: str
) -> None:
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


def test_a_flood_of_messages_goes_nowhere(
    guards: Guards, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guards.call(flood, VIDEO) == "dry"
    assert capfd.readouterr() == ("", "")


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
        guards.close()
        with pytest.raises(InputError, match="ended the process"):
            reading.result(timeout=HANG)  # the work would take an hour
        assert not guards._all


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
from workfolder.guard import Guards
from tests.toys import decoders
guards = Guards()
print(guards.call(decoders.process_id, Path("v")), flush=True)
guards.call(getattr(decoders, sys.argv[1]), Path(sys.argv[2]) / "v")
"""


@pytest.mark.parametrize("work", ["hang", "hang_in_c", "eat_memory"])
def test_a_killed_parent_leaves_no_process(tmp_path: Path, work: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, work, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    if work == "hang_in_c":
        assert wait_until((tmp_path / "pid").exists)
    time.sleep(0.2)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not alive(pid))


def test_modules_of_the_working_folder_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "av", "pickle", "mmap"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.setattr(sys, "path", [str(ROOT), *(entry for entry in sys.path if entry)])
    monkeypatch.chdir(tmp_path)
    assert Guards().call(give_back, VIDEO, (1,)).tolist() == [0]
    assert not (tmp_path / "canary").exists()
