"""Options can be kept in a file; the command line has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from feature_extraction.options import FeatureOptions, TranscriptOptions
from tokenization.options import ClusterOptions
from videobert.cli.config import read_config, write_config
from videobert.cli.options import Work, takes
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.options import JobOptions, Options, described, option

STAGES = (FeatureOptions, TranscriptOptions, ClusterOptions, PretrainOptions)


@dataclass(frozen=True)
class Toy(Options):
    """One option of each kind."""

    count: int = option(3, "How many.", least=2, most=9)
    share: float = option(0.5, "How much.")
    colour: str = option("red", "Which one.", choices=("red", "green"))
    wise: bool = option(True, "Be foolish.")
    late: bool = option(False, "Come late.")
    steps: tuple[int, ...] = option((1, 2), "How far.", least=1, shown="1, 2")
    place: str | None = option(None, "Where.", shown="everywhere")
    folder: Path | None = option(None, "What place.", shown="none")
    learning_rate: float = option(1e-5, "How fast.")


OTHER = Toy(4, 1.0, "green", False, True, (7, 5), 'a "wide" \\ \x7f place, 東京', Path("a b"), 3e-7)


def given(config: str | Path, arguments: str, folder: Path) -> tuple[Any, Path]:
    """The options and the path that a verb is given for a file and these arguments."""
    found, app = [], typer.Typer()

    @app.command()
    @takes(options=Toy)
    def verb(work: Work, options: Toy) -> None:
        found.append((options, work))

    path = config
    if isinstance(config, str):
        path = folder / "run.toml"
        path.write_text(config, encoding="utf-8")
    arguments = ["--config", str(path), *arguments.split()]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found, result.output
    return found[0]


@pytest.mark.parametrize("options", [Toy(), OTHER])
def test_what_is_written_can_be_given_back(tmp_path: Path, options: Toy) -> None:
    write_config(tmp_path / "run.toml", [options])
    assert given(tmp_path / "run.toml", "--work here", tmp_path) == (options, Path("here"))


def test_the_command_line_beats_the_file_wherever_it_stands(tmp_path: Path) -> None:
    file = 'work = "there"\ncount = 5\nwise = true\nsteps = [4]\nlearning-rate = 1\n'
    there = Toy(5, steps=(4,), learning_rate=1.0)
    assert given(file, "", tmp_path) == (there, Path("there"))
    options, work = given(file, "--count 9 --no-wise --work here --steps 8 --steps 9", tmp_path)
    assert options == Toy(9, wise=False, steps=(8, 9), learning_rate=1.0)
    assert work == Path("here")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("learning-rat = 1", "no option is called learning-rat; the nearest is learning-rate"),
        ("start-over = true", "no option is called start-over"),
        ("count = ", "is not TOML"),
        ("[count]", "count is a table"),
        ("wise = 3", "wise is true or false, not 3"),
        ("count = 1", "--count 1 will not do"),
        ('work = "s3://bucket/work"', "s3://bucket/work is an address"),
    ],
)
def test_a_file_that_will_not_do_is_refused(tmp_path: Path, file: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        given(file, "" if file.startswith("work") else "--work here", tmp_path)


def test_a_file_that_is_not_there_or_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml", {"count"})
    with pytest.raises(InputError, match=r"^s3://bucket/run\.toml is an address"):
        read_config(Path("s3://bucket/run.toml"), {"count"})


def test_the_file_of_a_run_has_every_option_of_its_stages_but_none_of_the_job(
    tmp_path: Path,
) -> None:
    write_config(tmp_path / "run.toml", [kind() for kind in STAGES])
    known = {each.name for kind in STAGES for each in described(kind)}
    found = read_config(tmp_path / "run.toml", known)
    absent = {each.name for kind in STAGES for each in described(kind) if each.default is None}
    assert found.keys() == known - absent
    assert not found.keys() & {each.name for each in described(JobOptions)}
