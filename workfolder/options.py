"""One way to make an option: a dataclass field that carries its help, its range and its choices.

The command line derives its options from these dataclasses, so a default, a range or a help text
is written once. No module of options imports anything heavy: ``--help`` and a shell's completion
must not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

from workfolder.errors import InputError, refuse_unknown
from workfolder.paths import refuse_address

RUNNERS = ("local", "ray")
CACHE = "Neither use nor keep, beside torch's cache, the network that OpenVINO exports."


@dataclass(frozen=True)
class About:
    """What is known of an option beside its name, type and default.

    Attributes:
        help: what the option does. Where a flag is on by default, what ``--no-NAME`` does.
        least, most: the range of a number, both included.
        choices: all values that a text may have.
        offered: values that a shell offers, where others are possible too.
        shown: what stands for the default in a help text.
        panel: heading in a help text; that of the dataclass where there is none.
    """

    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    shown: str = ""
    panel: str = ""

    @property
    def accepted(self) -> str:
        """The values that the option can have, in words; empty where any will do."""
        if self.choices:
            return " or ".join(filter(None, (", ".join(self.choices[:-1]), self.choices[-1])))
        if self.least is None:
            return "" if self.most is None else f"at most {self.most:g}"
        return (
            f"{self.least:g} or more" if self.most is None else f"{self.least:g} to {self.most:g}"
        )

    def refuse(self, option: str, value: Any) -> None:
        """Raise InputError if the option cannot have this value."""
        if self.choices:
            refuse_unknown(option, value, self.choices)
        if isinstance(value, str | Path):
            refuse_address(value)
        if isinstance(value, int | float):
            low = self.least is not None and value < self.least
            high = self.most is not None and value > self.most
            if low or high or not isfinite(value):
                wanted = self.accepted or "a finite number"
                raise InputError(f"{option} {value:g} will not do: give {wanted}")


def option(
    default: Any = MISSING,
    help: str = "",
    *,
    factory: Callable[[], Any] | Any = MISSING,
    least: float | None = None,
    most: float | None = None,
    choices: Iterable[str] = (),
    offered: Iterable[str] = (),
    shown: str = "",
    panel: str = "",
) -> Any:
    """Make a field of an Options dataclass.

    Args:
        default: its default; none if it must be given.
        factory: makes the default where that depends on the machine.
        help, least, most, choices, offered, shown, panel: see About.
    """
    about = About(help, least, most, tuple(choices), tuple(offered), shown, panel)
    return field(default=default, default_factory=factory, metadata={"about": about})


@dataclass(frozen=True)
class Options:
    """A dataclass whose fields are made by ``option``; their values are checked when it is made.

    Attributes:
        panel: heading of these options in a help text.

    Raises:
        InputError: a value is out of range or not among the choices. A default is always taken.
    """

    panel: ClassVar[str] = "Options"

    def __post_init__(self) -> None:
        """Check every value that is not the default."""
        for each in described(type(self)):
            for value in _values(getattr(self, each.name)):
                if value != each.default:
                    each.metadata["about"].refuse(dashed(each.name), value)


def described(kind: type[Options]) -> list[Field[Any]]:
    """List the fields that were made by ``option``, in their order."""
    return [each for each in fields(kind) if "about" in each.metadata]


def dashed(name: str) -> str:
    """Spell a field's name as the command line does."""
    return f"--{name.replace('_', '-')}"


def _values(given: Any) -> tuple[Any, ...]:
    """The value of an option, or each of its values where it may be repeated."""
    return given if isinstance(given, tuple) else (given,)


def cores() -> int:
    """Count the cores that this process may use.

    OMP_NUM_THREADS tells, where it is set: Ray does so in its actors.
    """
    if os.environ.get("OMP_NUM_THREADS", "").isdecimal():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Attributes:
        seconds: how long it may be waited for, all in all.
        memory: bytes of address space beyond what the process has before it opens the file; None
            for any number. Only Linux enforces it.
    """

    seconds: float = 3600.0
    memory: int | None = 2 * 2**30


@dataclass(frozen=True)
class JobOptions(Options):
    """How a stage goes through many videos; nothing here changes what is written."""

    panel: ClassVar[str] = "Many videos"

    workers: int = option(
        factory=cores, help="Videos at the same time.", least=1, shown="one a core"
    )
    runner: str = option("local", "Where to run; ray: the nodes of a Ray cluster.", choices=RUNNERS)
    timeout: float = option(Limits.seconds, "Seconds that reading one file may take.", least=0)
    retry_failed: bool = option(False, "Try failed and partial videos again.")
    max_failures: int | None = option(
        None, "Stop when more videos than this have failed.", least=0, shown="never"
    )
    start_over: bool = option(
        False, "Put aside, as STAGE.1, what other options made, and make it anew."
    )
    follow_links: bool = option(False, "Follow links that lead out of a folder or list.")
    shard: str | None = option(
        None,
        "The share of the videos to work on, such as 3/64; other machines take the others.",
        shown="all videos",
    )
    scratch: Path | None = option(  # noqa: RUF009
        None,
        "Folder that videos from addresses are fetched to, and removed from.",
        shown="the system's for temporary files",
    )
    scratch_gb: float = option(20.0, "Gigabytes that are there at once.", least=1e-6)
    patience: float = option(
        60.0, "Seconds to wait between tries, all in all, where an address fails.", least=0
    )
    cache: bool = option(True, CACHE)

    @property
    def limits(self) -> Limits:
        """What one file may take."""
        return Limits(self.timeout)
