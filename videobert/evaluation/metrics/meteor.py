"""METEOR (Denkowski & Lavie 2014), by its authors' program: meteor-1.5.jar, run by Java.

The package pycocoevalcap carries the jar and its table of paraphrases, 104 MB, under licences of their own; only those
files of it are used, so they are an extra.
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
    """METEOR cannot be had: no Java, no jar, or the program failed or took too long."""


def find_java() -> str:
    """The path of Java; MeteorError if there is none."""
    java = shutil.which("java")
    if java is None:
        raise MeteorError("METEOR needs Java: install a Java runtime so that `java` is on the PATH")
    return java


def find_jar() -> Path:
    """The path of METEOR's program; MeteorError if the extra is not installed. The package is not imported."""
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
    """METEOR over all captions, and float64 [captions] of each, in [0, 1]; captions are lists of words.

    The program is stopped after ``timeout`` seconds (ten minutes, and a second for each caption): a guard against one that
    hangs, not one that is slow beside other work. MeteorError if it is not there, stops by itself or is stopped.
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
    """The line that asks for the statistics of one caption; ``|||`` parts its fields, so it may not be in a caption."""
    captions = [" ".join(words).replace("|||", " ") for words in (*references, candidate)]
    return " ||| ".join(["SCORE", *captions])


def converse(command: Sequence[str], questions: Sequence[str], timeout: float) -> list[float]:
    """Each caption's score and then that of all; the program is gone when this returns, however it returns.

    One line is asked and one read in turn, so neither side waits for the other to empty a pipe.
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
    """The line with which the program answers a line."""
    assert program.stdin is not None
    program.stdin.write(line + "\n")
    program.stdin.flush()
    return read(program)


def read(program: subprocess.Popen[str]) -> str:
    """The program's next line; ValueError if it has ended."""
    assert program.stdout is not None
    answer = program.stdout.readline().strip()
    if not answer:
        raise ValueError("it gave no answer")
    return answer


def last_line(complaints: IO[str]) -> str:
    """What a program said last on its error stream."""
    complaints.seek(0)
    return (complaints.read().strip().splitlines() or [""])[-1]
