"""METEOR (Denkowski & Lavie 2014), by its authors' program: meteor-1.5.jar, run by Java.

The package pycocoevalcap carries the jar and its table of paraphrases, 104 MB, under licences of
their own. Only those files of it are used, so the package is an extra.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import numpy as np

from workfolder.errors import InputError

PACKAGE = "pycocoevalcap"
JAR = Path("meteor", "meteor-1.5.jar")


class MeteorError(InputError):
    """METEOR cannot be had: there is no Java or no jar, or the program failed or took too long."""


def find_java() -> str:
    """Find Java.

    Raises:
        MeteorError: if there is none.
    """
    java = shutil.which("java")
    if java is None:
        raise MeteorError("METEOR needs Java: install a Java runtime so that `java` is on the PATH")
    return java


def find_jar() -> Path:
    """Find METEOR's program, without importing its package.

    Raises:
        MeteorError: if the extra is not installed.
    """
    package = find_spec(PACKAGE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        if (Path(folder) / JAR).is_file():
            return Path(folder) / JAR
    raise MeteorError(f"METEOR needs {JAR.name}: pip install 'videobert[meteor]'")


def meteor(
    candidates: Sequence[Sequence[str]],
    references: Sequence[Sequence[Sequence[str]]],
    timeout: float | None = None,
) -> tuple[float, np.ndarray]:
    """Compute METEOR.

    Args:
        candidates: The words of each caption.
        references: The words of each caption's references.
        timeout: Seconds after which the program is stopped: ten minutes and a second for each
            caption if None. It guards against a program that hangs, not one that is slow beside
            other work.

    Returns:
        METEOR over all captions, and of each, float64 [captions]; all in [0, 1].

    Raises:
        MeteorError: if the program is not there, stops by itself or is stopped.
    """
    questions = [question(*pair) for pair in zip(candidates, references, strict=True)]
    command = [
        find_java(),
        "-Xmx2G",
        "-jar",
        str(find_jar()),
        "-",
        "-",
        "-stdio",
        "-l",
        "en",
        "-norm",
    ]
    answers = converse(command, questions, timeout or 600 + len(questions))
    scores = np.array(answers, dtype=np.float64)
    return float(scores[-1]), scores[:-1]


def question(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> str:
    """Write the line that asks for the statistics of one caption.

    ``|||`` stands between its fields, so it may not stand in a caption.
    """
    captions = [" ".join(words).replace("|||", " ") for words in (*references, candidate)]
    return " ||| ".join(["SCORE", *captions])


def converse(command: Sequence[str], questions: Sequence[str], timeout: float) -> list[float]:
    """Ask for each caption's score and then for that of all.

    The program is gone when this returns, however it returns. One line is written and one is read
    in turn, so neither side waits for the other to empty a pipe.

    Raises:
        MeteorError: if the program cannot be run, ends early, babbles or takes too long.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                encoding="utf-8",
            ) as program:
                clock = threading.Timer(timeout, program.kill)
                clock.start()
                try:
                    statistics = [ask(program, line) for line in questions]
                    first = ask(program, " ||| ".join(["EVAL", *statistics]))
                    return [float(first), *(float(read(program)) for _ in questions)]
                finally:
                    clock.cancel()
                    program.kill()
        except (OSError, ValueError) as error:
            late = time.monotonic() - start >= timeout
            reason = (
                f"it took more than {timeout:.0f} s"
                if late
                else last_line(complaints) or str(error)
            )
            raise MeteorError(f"METEOR's program failed: {reason}") from error


def ask(program: subprocess.Popen[str], line: str) -> str:
    """Write a line to the program and read the one with which it answers."""
    assert program.stdin is not None
    program.stdin.write(line + "\n")
    program.stdin.flush()
    return read(program)


def read(program: subprocess.Popen[str]) -> str:
    """Read the program's next line.

    Raises:
        ValueError: if it has ended.
    """
    assert program.stdout is not None
    answer = program.stdout.readline().strip()
    if not answer:
        raise ValueError("it gave no answer")
    return answer


def last_line(complaints: IO[str]) -> str:
    """Read what a program said last on its error stream."""
    complaints.seek(0)
    return (complaints.read().strip().splitlines() or [""])[-1]
