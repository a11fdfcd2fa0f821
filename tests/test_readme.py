"""The README's commands are commands, and what they name is there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

from tests.toys.command_line import Run
from tests.toys.street import TRAINING, Street
from tests.toys.videos import coloured_recipe
from videobert.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip().split("  #")[0]
    for line in README.splitlines()
    if line.startswith("    videobert ")
]
SMALL = {
    "run": ["--weights", "random:0", "--branching", "3", "--depth", "2", *TRAINING],
    "extract": ["--weights", "random:0"],
    "cluster": ["--branching", "3", "--depth", "2"],
    "pretrain": [*TRAINING],
    "finetune": "--features s3d --layers 1 --width 64 --batch-size 8 --steps 20 --validate-every 10".split(),
}
"""What makes a command of the README a small one: of an option that is given twice, the last one counts."""
MODULES = re.findall(r"python -m ([\w.]+)", README)


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) >= 7 and len(MODULES) >= 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str, tmp_path: Path) -> None:
    _, verb, *arguments = shlex.split(command)
    get_command(app).commands[verb].make_context(
        verb, arguments
    )  # raises where an option is unknown or missing


@pytest.mark.slow
def test_the_commands_do_what_they_say_in_their_order(
    street: Street, tmp_path: Path, videobert: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(street.videos, "my_videos")
    coloured_recipe(Path("clip.mp4"), ["blue", "red", "green"], spoken=False)
    Path("clips").mkdir()
    for copy in ("video.mp4", "clips/one.mp4", "clips/two.mp4"):
        shutil.copy("clip.mp4", copy)
    for command in COMMANDS:
        _, verb, *arguments = shlex.split(command.replace("chop the onion", "paint the red square"))
        if verb == "page":  # it serves until it is stopped; tests/videobert/page tries it
            continue
        if "held_out" in arguments:  # other videos, tokenized with the model's codebook
            shutil.copytree("work", "held_out")
        result = videobert(verb, *arguments, *SMALL.get(verb, []))
        assert result.status == 0 and result.out, (command, result)


def test_make_targets_exist() -> None:
    lines = re.findall(r"^([\w/ -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for line in lines for target in line.split()}
    assert set(re.findall(r"\bmake ([\w-]+)", README)) <= targets


def test_every_file_named_is_there() -> None:
    named = set(re.findall(r"\]\(((?!http)[\w/.]+)\)", README)) | set(
        re.findall(r"^    (\w+)/ ", README, re.MULTILINE)
    )
    assert named
    for name in named - {"work", "model"}:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("module", sorted(set(MODULES)))
def test_a_module_that_is_run_exists(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_the_python_of_the_readme_runs() -> None:
    import numpy as np

    block = re.search(r"^    from tokenization.*?(?=\n\n[^ ])", README, re.MULTILINE | re.DOTALL)
    assert block
    code = (
        block[0]
        .replace("\n    ", "\n")
        .strip()
        .replace("branching=12, depth=4", "branching=3, depth=2")
    )
    names = {"features": np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)}
    exec(code, names)
    assert names["words"].shape == (60,) and 0 <= names["words"].min() and names["words"].max() < 9
