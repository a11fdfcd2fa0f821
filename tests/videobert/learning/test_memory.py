"""Memory that is freed and asked for again is there already, while it is kept."""

from __future__ import annotations

import platform
import resource

import pytest
import torch

from videobert.learning.memory import kept_memory

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="without glibc nothing is kept"
)
NUMBERS, TIMES = 2**24, 5
BLOCK = NUMBERS * 4
"""Bytes of a tensor: more than glibc ever keeps by itself."""


def faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        torch.ones(NUMBERS)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def held() -> int:
    """Bytes that the process holds."""
    with open("/proc/self/statm", encoding="ascii") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize()


def test_the_system_is_asked_once_while_memory_is_kept_and_each_time_after() -> None:
    with kept_memory():
        torch.ones(NUMBERS)
        kept = faults()
    pages = TIMES * BLOCK // resource.getpagesize()
    assert kept < pages / 2 < faults()


def test_what_was_kept_is_given_back_also_where_something_fails() -> None:
    before = held()
    with pytest.raises(ZeroDivisionError), kept_memory():
        torch.ones(NUMBERS)
        assert held() > before + BLOCK / 2
        raise ZeroDivisionError
    assert held() < before + BLOCK / 2
