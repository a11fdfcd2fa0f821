"""Describes the machine of a benchmark, and prints figures beside their targets."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, Any]:
    """Return the processor, its cores, and the versions of the packages measured."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next(
        (line.partition(":")[2].strip() for line in cpus if line.startswith("model name")),
        platform.processor(),
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": name,
        "cores": cores,
        "python": platform.python_version(),
        **{p: version(p) for p in packages},
    }


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Return the seconds of the fastest run, and the result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begin)
    return best, result


def line(name: str, value: Any, targets: Mapping[str, tuple[str, float]]) -> str:
    """Format one figure in at most 80 columns.

    Args:
        targets: for each name that has a target, ``>=`` or ``<=`` and a number.
    """
    if isinstance(value, str):
        return f"{name}: {value}"
    shown = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if name not in targets:
        return f"{name:40s} {shown:>12s}"
    sign, target = targets[name]
    held = value >= target if sign == ">=" else value <= target
    return f"{name:40s} {shown:>12s}   {sign} {target:<5g} {'held' if held else 'MISSED'}"


def peak_memory() -> float:
    """Return the peak resident memory of this process in GB (10^9 bytes). Linux only.

    getrusage will not do: it counts the peak that the parent had before exec, too.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9
