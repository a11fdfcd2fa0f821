"""The options of a verb are those of the dataclasses that its arguments are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from feature_extraction.options import FeatureOptions, TranscriptOptions
from tokenization.options import ClusterOptions
from videobert.cli.options import takes
from videobert.finetune.captions.options import CaptionOptions
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.options import JobOptions, Options, option

KINDS = (
    CaptionOptions,
    ClusterOptions,
    FeatureOptions,
    JobOptions,
    PretrainOptions,
    TranscriptOptions,
)


@dataclass(frozen=True)
class Toy(Options):
    """One option of each kind."""

    count: int = option(3, "How many.", least=2, most=9)
    colour: str = option("red", "Which one.", choices=("red", "green"))
    wise: bool = option(True, "Be foolish.")
    steps: tuple[int, ...] = option((1, 2), "How far; may be repeated.", least=1, shown="1, 2")
    place: str | None = option(None, "Where.", shown="everywhere")
    seed: int = option(7, "A number.")


@dataclass(frozen=True)
class Other(Options):
    """Shares one option with Toy."""

    seed: int = option(1, "Another number.")
    late: bool = option(False, "Come late.")


def made(kind: type[Options], arguments: str, **more: Any) -> Any:
    """The options that a verb is given for these arguments."""
    found, app = [], typer.Typer()

    @app.command()
    @takes(options=kind, **more)
    def verb(options: Any) -> None:
        found.append(options)

    CliRunner().invoke(app, arguments.split(), catch_exceptions=False)
    return found[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_with_nothing_given_a_verb_has_the_defaults_of_python(kind: type[Options]) -> None:
    assert made(kind, "") == kind()


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ("--count 9 --colour green", {"count": 9, "colour": "green"}),
        ("--no-wise --steps 4 --steps 1", {"wise": False, "steps": (4, 1)}),
        ("--place here", {"place": "here"}),
    ],
)
def test_options_are_made_of_what_is_given(arguments: str, changes: dict[str, Any]) -> None:
    assert made(Toy, arguments) == Toy(**changes)


def test_an_option_of_two_dataclasses_is_one_and_what_is_omitted_keeps_its_default() -> None:
    found, app = [], typer.Typer()

    @app.command()
    @takes(toy=Toy, other=Other, omit=["colour"])
    def verb(toy: Toy, other: Other, own: int = 5) -> None:
        found.append((toy, other, own))

    names = [parameter.name for parameter in get_command(app).params]
    assert names[:8] == [
        "own",
        "count",
        "wise",
        "steps",
        "place",
        "seed",
        "late",
        "config",
    ]
    CliRunner().invoke(app, ["--seed", "4", "--late"], catch_exceptions=False)
    assert found == [(Toy(seed=4), Other(seed=4, late=True), 5)]


def test_help_tells_ranges_choices_and_defaults() -> None:
    app = typer.Typer()

    @app.command()
    @takes(toy=Toy)
    def verb(toy: Toy) -> None: ...

    helps = {each.name: (each.help, each.show_default) for each in get_command(app).params}
    assert helps["count"] == ("How many (2 to 9).", True)
    assert helps["colour"] == ("Which one (red or green).", True)
    assert helps["wise"] == ("Be foolish.", "off")
    assert helps["steps"] == ("How far; may be repeated (1 or more).", "1, 2")
    assert helps["place"] == ("Where.", "everywhere")


@pytest.mark.parametrize("arguments", ["--count 1", "--colour blue", "--steps 3 --steps 0"])
def test_a_value_that_will_not_do_is_refused_by_its_name(arguments: str) -> None:
    with pytest.raises(InputError, match=arguments.split()[-2]):
        made(Toy, arguments)
