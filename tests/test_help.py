"""What ``--help`` and a shell's completion say is whole, true and quickly there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tests.toys.command_line import Run
from videobert.cli.main import app

PIPELINE = "extract transcribe cluster tokenize pretrain run status".split()


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
    for name, verb in getattr(command, "commands", {}).items():
        yield from verbs(verb, (*path, name))


VERBS = dict(verbs(get_command(app)))


def page(*arguments: str) -> str:
    return (
        CliRunner()
        .invoke(app, [*arguments, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
        .stdout
    )


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_the_help_of_a_verb_is_whole_at_80_columns(path: tuple[str, ...]) -> None:
    shown = page(*path)
    assert "Usage: " in shown and "…" not in shown and max(map(len, shown.splitlines())) <= 80
    rows = re.split(r"^│ (?:\*  |   )?(?=--)", shown, flags=re.MULTILINE)[1:]
    asked = {
        option
        for each in VERBS[path].params
        for option in (*each.opts, *each.secondary_opts)
        if option[:2] == "--"
    }
    assert {row.split()[0] for row in rows} == asked | {"--help"}
    for row in rows:
        assert "[default: " in row or "[required]" in row or row.startswith("--help"), row
        assert re.search(r"> .*[a-z]", row), f"no words about {row}"


def test_the_verbs_stand_in_the_order_of_the_pipeline(videobert: Run) -> None:
    for shown in (page(), videobert().out + videobert().err):
        found = re.findall(r"^│ ([a-z]+)  ", shown, re.MULTILINE)
        assert found[: len(PIPELINE)] == PIPELINE and found.index("finetune") < found.index(
            "caption"
        ) < found.index("evaluate")
        assert len(found) == len(get_command(app).commands)  # type: ignore[attr-defined]


def complete(words: str) -> tuple[list[str], str]:
    asked = {
        "_VIDEOBERT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "import sys; sys.argv = ['videobert']; from videobert.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=os.environ | asked,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("videobert tr", ["transcribe"]),
        ("videobert evaluate re", ["retrieval"]),
        ("videobert pretrain --no", ["--no-joint-masking"]),
        ("videobert extract --engine ", ["cuda", "openvino", "openvino-int8", "torch"]),
        ("videobert pretrain --schedule cosine", ["cosine", "cosine_with_restarts"]),
    ],
)
def test_bash_completes_verbs_options_and_choices_without_torch(
    words: str, offered: list[str]
) -> None:
    found, imported = complete(words)
    assert found == offered
    assert not re.search(r"\b(torch|numpy|transformers|pyarrow)\b", imported)
