"""An option refuses what it cannot be, by its name, its value and what would do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from workfolder.errors import InputError
from workfolder.options import JobOptions, Limits, Options, cores, described, option


@dataclass(frozen=True)
class Toy(Options):
    """One option of each kind."""

    share: float = option(0.5, "A share.", least=0, most=1)
    rate: float = option(1.0, "A rate.")
    max_words: int | None = option(None, "Words at most.", least=2, shown="all")
    colour: str = option("red", "Which one.", choices=("red", "green", "blue"))
    listener: str = option("auto", "Who listens.", offered=("auto", "none"))
    steps: tuple[int, ...] = option((1, 2), "How far.", least=1)
    end: float = option(math.inf, "The end.", least=0)
    inner: tuple[int, ...] = field(default=(0,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 1.1}, "--share 1.1 will not do: give 0 to 1"),
        ({"share": math.nan}, "--share nan will not do: give 0 to 1"),
        ({"rate": math.inf}, "--rate inf will not do: give a finite number"),
        ({"max_words": 1}, "--max-words 1 will not do: give 2 or more"),
        ({"colour": "grey"}, "--colour 'grey' is not known: choose one of red, green, blue"),
        ({"steps": (4, 0)}, "--steps 0 will not do: give 1 or more"),
        ({"end": -1.0}, "--end -1 will not do: give 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Toy(**changes)
    assert str(error.value) == message


def test_what_can_be_is_taken() -> None:
    Toy()  # a default may lie outside the range, as infinity does here
    Toy(share=0, max_words=2, colour="blue", listener="somebody", steps=(3,), inner=(0, 0))


def test_only_fields_made_by_option_are_options() -> None:
    assert [each.name for each in described(Toy)] == [
        *("share", "rate", "max_words", "colour", "listener", "steps", "end"),
    ]


def test_a_job_uses_the_cores_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cores() == JobOptions().workers == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert cores() >= 1


def test_a_job_limits_what_one_file_may_take() -> None:
    assert JobOptions(timeout=5).limits == Limits(seconds=5)


@pytest.mark.parametrize(
    "changes", [{"workers": 0}, {"runner": "snail"}, {"timeout": -1}, {"max_failures": -1}], ids=str
)
def test_a_job_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(changes)).replace('_', '-')} "):
        JobOptions(**changes)
