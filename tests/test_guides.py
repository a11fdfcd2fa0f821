"""The commands, options and programs of docs/*.md are true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from videobert.cli.main import app
from videobert.data.youcook2 import by_youtube_id
from workfolder.sources import find_videos

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
REAL_DATA = GUIDES["real-data.md"]
COMMAND = re.compile(r"^ {4}(?:torchrun .*?-m )?videobert (\w.*?)(?: {2,}#.*)?$", re.MULTILINE)
COMMANDS = [(name, command) for name, guide in GUIDES.items() for command in COMMAND.findall(guide)]
OPTIONS = [
    (name, option)
    for name, guide in GUIDES.items()
    for option in re.findall(r"`(?:[a-z]+ )?(--[a-z][\w-]*)", guide)
]
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", REAL_DATA, re.MULTILINE | re.DOTALL)
ELSEWHERE = {"--dependency", "--user", "--write-auto-subs"}
"""Options of other programs."""


def verbs(command: Any) -> dict[str, Any]:
    """Those of a group of verbs; none where the command is one itself."""
    return getattr(command, "commands", {})


def all_options(command: Any) -> set[str]:
    own = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    return own.union(*(all_options(verb) for verb in verbs(command).values()))


def test_there_is_something_to_try() -> None:
    assert len(COMMANDS) >= 12 and len(OPTIONS) >= 30 and len(PROGRAMS) == 1


@pytest.mark.parametrize(("guide", "command"), COMMANDS)
def test_a_command_is_understood(guide: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videobert.hub.fetch_model", Path)  # OWNER/NAME is read, not fetched
    verb, words = get_command(app), shlex.split(command)
    while verbs(verb):
        verb = verbs(verb)[words.pop(0)]
    verb.make_context(verb.name, words)  # raises where an option is unknown or missing


@pytest.mark.parametrize(("guide", "option"), sorted(set(OPTIONS)))
def test_an_option_exists(guide: str, option: str) -> None:
    assert option in all_options(get_command(app)) | ELSEWHERE


@pytest.mark.parametrize(
    ("guide", "named"),
    [(name, link) for name in GUIDES for link in re.findall(r"\]\(([\w.-]+)\)", GUIDES[name])],
)
def test_a_file_that_is_linked_is_there(guide: str, named: str) -> None:
    assert (DOCS / named).exists()


def test_the_names_that_the_guide_gives_youcook2_are_found(tmp_path: Path) -> None:
    names = re.findall(r"^ {4}(raw_videos/.*?\.\w+)(?: {2,}|$)", REAL_DATA, re.MULTILINE)
    assert len(names) == 3
    for number, name in enumerate(names):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.touch()
        (source,) = find_videos([tmp_path / str(number) / "raw_videos"])
        assert by_youtube_id([source.video_id], ["sdB8qBlLS2E"]) == {"sdB8qBlLS2E": source.video_id}


def test_the_table_of_costs_is_what_its_program_prints(capsys: pytest.CaptureFixture[str]) -> None:
    exec(PROGRAMS[0], {})
    rows = capsys.readouterr().out.strip().splitlines()
    assert len(rows) == 3 and "\n".join(rows) in REAL_DATA


RATES = {
    "extraction.md": ["4.81"],
    "clustering.md": ["16,721", "54,652", "4.7 minutes", "119 GB"],
    "hearing.md": ["18,011"],
}


@pytest.mark.parametrize(
    ("guide", "rate"), [(guide, rate) for guide, rates in RATES.items() for rate in rates]
)
def test_a_rate_is_that_of_the_document_it_is_from(guide: str, rate: str) -> None:
    number = rate.split()[0]
    assert rate in GUIDES[guide] and (number in REAL_DATA or number.replace(",", "_") in REAL_DATA)
