"""The Dockerfiles, as far as they can be tried without a daemon.

Their files are copied as they would be, what pip would build is built from the copy, and its command
runs outside the project. Nothing is pulled, and no image is made.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = ("Dockerfile", "Dockerfile.cuda")


def instructions(name: str) -> list[tuple[str, list[str]]]:
    """The instructions of a Dockerfile and their words."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return [(line.split()[0], shlex.split(line)[1:]) for line in lines]


def copied(name: str) -> list[str]:
    """What is copied from the project."""
    found = [words[:-1] for verb, words in instructions(name) if verb == "COPY"]
    return [each for words in found if not words[0].startswith("--from") for each in words]


@pytest.mark.parametrize("name", FILES)
def test_stages_follow_from_each_other(name: str) -> None:
    stages = [words for verb, words in instructions(name) if verb == "FROM"]
    names = [words[2] for words in stages if len(words) == 3]
    taken = [
        words[0].removeprefix("--from=")
        for verb, words in instructions(name)
        if verb == "COPY" and words[0].startswith("--from=")
    ]
    assert taken == names == ["built"]
    assert len({words[0] for words in stages}) == 1  # the virtual environment names its Python
    python = re.fullmatch(r"python:(\d+\.\d+)-slim", stages[0][0])
    assert python and python[1] in SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("name", FILES)
def test_what_is_installed_and_run_is_there(name: str) -> None:
    made = instructions(name)
    (asked,) = re.findall(r"\.\[([\w,-]+)\]", (ROOT / name).read_text(encoding="utf-8"))
    assert set(asked.split(",")) <= PROJECT["optional-dependencies"].keys()
    assert made[-1][0] == "ENTRYPOINT"
    assert (ROOT / name).read_text().rstrip().endswith('ENTRYPOINT ["videobert"]')
    assert "videobert" in PROJECT["scripts"]
    users = [words[0] for verb, words in made if verb == "USER"]
    assert users == ["cook"] and any("useradd" in words for verb, words in made if verb == "RUN")


@pytest.mark.parametrize("name", FILES)
def test_everything_copied_is_in_the_context(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"
    assert {f"!{each.removeprefix('./')}" for each in copied(name)} <= set(ignored)
    assert all((ROOT / each).exists() for each in copied(name))


def test_the_copy_is_enough_to_build_and_run(tmp_path: Path) -> None:
    context, site = tmp_path / "context", tmp_path / "site"
    context.mkdir()
    assert copied("Dockerfile") == copied("Dockerfile.cuda")
    for each in copied("Dockerfile"):
        if (ROOT / each).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / each, context / each, ignore=ignore)
        else:
            shutil.copy(ROOT / each, context / each)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--no-build-isolation", "--target", site, context], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "videobert", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "extract" in done.stdout
    shown = subprocess.run(
        [sys.executable, "-c", "import videobert; print(videobert.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert shown.stdout.startswith(str(site))
