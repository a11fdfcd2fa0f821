"""An address is refused in one line by every option and argument that is a path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from videobert.cli.main import app
from videobert.loading import load_model, load_to_ask
from workfolder.errors import InputError

ADDRESS = "s3://bucket/some/thing"
VALUES = {"format": "webdataset", "name": "owner/name"}
"""What a parameter takes that would refuse a 1 before any path is looked at."""


def verbs(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, (*words, name))
    if not hasattr(command, "commands"):
        yield words, command


def is_path(parameter: Any) -> bool:
    return "Path" in str(parameter.type_descriptor.annotation)


def spelt(parameter: Any, value: str) -> list[str]:
    option = next((each for each in parameter.opts if each.startswith("--")), None)
    return [option, value] if option else [value]


CASES = [
    pytest.param(words, command, parameter, id=" ".join((*words, parameter.name)))
    for words, command in verbs(get_command(app))
    for parameter in command.params
    if is_path(parameter) and parameter.name not in {"install_completion", "show_completion"}
]


@pytest.mark.parametrize(("words", "command", "parameter"), CASES)
def test_every_path_of_every_verb_refuses_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, command: Any, parameter: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mp4").touch()
    there = str(tmp_path / "there.mp4")
    arguments = list(words)
    for each in command.params:  # arguments without a name go by their order
        if each is parameter:
            arguments += spelt(each, ADDRESS)
        elif each.required:
            arguments += spelt(each, there if is_path(each) else VALUES.get(each.name, "1"))
    with pytest.raises(InputError) as refused:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert str(refused.value).startswith(f"{ADDRESS} is an address, and only paths of this machine")
    assert "\n" not in str(refused.value)
    assert os.listdir(tmp_path) == ["there.mp4"]


@pytest.mark.parametrize("load", [load_model, load_to_ask])
@pytest.mark.parametrize("address", ["s3://bucket/model", "hf://owner/model"])
def test_a_model_at_an_address_is_refused_in_python_too(load: Any, address: str) -> None:
    with pytest.raises(InputError, match=f"^{address} is an address"):
        load(Path(address))
