"""Runs what a user would type, alone or beside each other, and shows what it says."""

from __future__ import annotations

import codecs
import os
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from shutil import get_terminal_size

Command = tuple[str, ...]
QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONUNBUFFERED": "1",
}
SILENCE = 8.0
"""Seconds after which it is said that a command is still there."""


@dataclass(frozen=True)
class Running:
    """A command that was started.

    Attributes:
        command: what a user would type.
        process: what does it, with this Python.
        began: when, by time.monotonic.
    """

    command: Command
    process: subprocess.Popen[bytes]
    began: float

    def follow(self) -> float:
        """Say what is typed, and show what comes until it ends; return the seconds since it began.

        Raises:
            SystemExit: with its status, if it fails.
        """
        say(f"$ {shlex.join(self.command)}")
        self._relay()
        status = self.process.wait()
        if status:
            say(f"the demo stops here: the command above ended with exit status {status}")
            sys.exit(status)
        say(f"({self.seconds:.0f} s)")
        return self.seconds

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def _relay(self) -> None:
        """Show its output, and a sign of life where it says nothing for SILENCE seconds."""
        output = self.process.stdout
        assert output is not None
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a letter
        while True:
            speaks, _, _ = select.select([output], [], [], SILENCE)
            if not speaks:
                say(f"... {self.seconds:.0f} s so far")
                continue
            said = os.read(output.fileno(), 65_536)
            if not said:
                return
            sys.stdout.write(decoder.decode(said))
            sys.stdout.flush()


def run(command: Command) -> float:
    """Do one command and return its seconds; SystemExit if it fails."""
    with started([command]) as (one,):
        return one.follow()


@contextmanager
def started(commands: Sequence[Command]) -> Iterator[list[Running]]:
    """Start commands beside each other; each waits to be followed, and all have ended afterwards.

    One that is beside others computes with one thread, as threads that wait for a core cost more
    than they bring.
    """
    alone = {} if len(commands) == 1 else {"OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        yield [
            Running(command, stack.enter_context(_process(command, alone)), time.monotonic())
            for command in commands
        ]


def _process(command: Command, more: dict[str, str]) -> subprocess.Popen[bytes]:
    program, *arguments = command
    here = [sys.executable, "-m", "videobert"] if program == "videobert" else [sys.executable]
    env = os.environ | QUIET | more
    if sys.stdout.isatty():  # rich is to draw for the terminal behind the pipe
        env |= {"FORCE_COLOR": "1", "COLUMNS": str(get_terminal_size().columns)}
    return subprocess.Popen(
        [*here, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    )


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
