"""Memory that is freed and asked for again is there already, while it is kept."""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="without glibc nothing is kept"
)
BLOCK, TIMES = 2**26, 5
"""More bytes than glibc ever keeps by itself, and how often they are asked for."""
PAGES = BLOCK // resource.getpagesize()
PROGRAM = f"""
import json, resource
from videobert.learning.memory import kept_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({TIMES}):
        b"x" * {BLOCK}
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def pages():
    return int(open("/proc/self/statm").read().split()[1])

found = {{"before": faults(), "held_before": pages()}}
try:
    with kept_memory():
        found["kept"] = faults()
        found["held"] = pages()
        raise ZeroDivisionError
except ZeroDivisionError:
    found["held_after"] = pages()
print(json.dumps(found | {{"after": faults()}}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, int]:
    """Pages that were cleared, and pages held, in a process of its own: heaps have a history."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    pages: dict[str, int] = json.loads(ran.stdout)
    return pages


def test_pages_are_cleared_once_while_memory_is_kept_and_each_time_without(
    found: dict[str, int],
) -> None:
    assert found["kept"] < 2 * PAGES
    assert min(found["before"], found["after"]) > (TIMES - 1) * PAGES


def test_what_was_kept_is_given_back_also_where_something_fails(found: dict[str, int]) -> None:
    assert found["held"] > found["held_before"] + PAGES / 2
    assert found["held_after"] < found["held_before"] + PAGES / 2
