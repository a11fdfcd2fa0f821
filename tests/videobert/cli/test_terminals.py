"""The command line behaves on terminals, pipes and accounts that lack something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

START = "import sys; sys.argv[0] = 'videobert'; from videobert.cli.main import main; main()"


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line with these variables and no others but PATH."""
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, arguments)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1", "HOME": "/nonexistent"},
        {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "40", "TERMINAL_WIDTH": "40"},
    ],
    ids=" ".join,
)
def test_help_is_shown_on_any_terminal(environment: dict[str, str]) -> None:
    done = run("cluster", "--help", **environment)
    assert done.returncode == 0 and not done.stderr
    assert b"--branching" in done.stdout and b"\x1b[" not in done.stdout


def test_bad_input_is_one_line_where_letters_are_missing(tmp_path: Path) -> None:
    absent = tmp_path / "wörk 鍋"
    done = run("finetune", "caption", "--model", "m", "--work", absent, "--width", 65, LANG="C",
               PYTHONIOENCODING="ascii")  # fmt: skip
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"videobert: --width 65 will not do")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_can_be_read_in_any_encoding(encoding: str) -> None:
    code = "from videobert.cli.console import print_json; print_json({'text': 'wörk 鍋'})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.decode(encoding)) == {"text": "wörk 鍋"}


def test_a_pipe_that_closes_ends_in_silence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", START, "run", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 1 and not done.stderr
