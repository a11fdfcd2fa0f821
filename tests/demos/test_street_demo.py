"""What the demo types for a user, and what it says around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from demos import commands as running
from demos import street
from demos.kitchen.recipes import plan
from demos.kitchen.truth import write_truth
from workfolder.errors import InputError


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every command that the demo would run."""
    commands: list[str] = []

    @contextmanager
    def started(beside: Sequence[running.Command]) -> Iterator[list[SimpleNamespace]]:
        commands.extend(" ".join(command) for command in beside)
        yield [SimpleNamespace(follow=lambda: 1.0)] * len(beside)

    monkeypatch.setattr(street, "started", started)
    monkeypatch.setattr(street, "slowness", lambda: 1.0)
    return commands


def test_the_demo_reads_captions(typed: list[str], tmp_path: Path) -> None:
    street.street(tmp_path, street.Size())
    assert not any("--speech" in command for command in typed)
    (heard,) = (command for command in typed if command.startswith("videobert transcribe"))
    assert heard.endswith("--asr captions")


def test_with_a_recogniser_the_cook_speaks_and_it_listens(typed: list[str], tmp_path: Path) -> None:
    street.street(tmp_path, street.Size(asr="whisper:tiny.en"))
    assert typed[0].startswith("python -m demos.kitchen") and typed[0].endswith("--speech")
    (heard,) = (command for command in typed if command.startswith("videobert transcribe"))
    assert heard.endswith("--asr whisper:tiny.en")


def test_a_folder_with_a_space_in_its_name_is_one_argument(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = street.Places.below(tmp_path / "a b")
    film, look, *_ = street.steps_of(at, street.Size())
    assert film.command[-1] == str(at.kitchen)
    assert look.command[2] == str(at.kitchen / "training") and str(at.work) in look.command
    street.street(tmp_path / "a b", street.Size())
    assert f"--model '{at.model}'" in capsys.readouterr().out


def test_a_command_is_told_as_a_user_would_type_it_and_its_words_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = "import sys; print(*sys.argv[1:]); print('grün', file=sys.stderr)"
    assert running.run(("python", "-c", code, "a b")) > 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("$ python -c ") and said[0].endswith(" 'a b'")
    assert said[1:3] == ["a b", "grün"]


def test_a_command_that_says_nothing_is_said_to_be_still_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "SILENCE", 0.1)
    running.run(("python", "-c", "import time; time.sleep(1)"))
    assert "s so far" in capsys.readouterr().out


def test_the_first_line_tells_how_long_and_each_step_how_far(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street.street(tmp_path, street.Size())
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("The demo takes about ") and "minutes on this machine" in said[0]
    heads = [line for line in said if line.startswith("== step ")]
    assert len(heads) == len(typed)
    assert [head.split()[2:5] for head in heads] == [
        [str(number), "of", f"{len(typed)},"] for number in range(1, len(typed) + 1)
    ]


def test_commands_beside_each_other_run_at_once_and_are_shown_in_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each ends only once the other has begun."""
    code = (
        "import pathlib, sys, time\n"
        "mine, other = map(pathlib.Path, sys.argv[1:])\n"
        "mine.touch()\n"
        "while not other.exists(): time.sleep(0.01)\n"
        "print(mine.name, 'ends')"
    )
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    with running.started(
        [("python", "-c", code, one, other), ("python", "-c", code, other, one)]
    ) as both:
        assert [each.follow() > 0 for each in both] == [True, True]
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.endswith(" ends")] == ["one ends", "other ends"]


def test_what_asks_the_model_runs_beside_each_other(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street.street(tmp_path, street.Size())
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("== step ")]
    beside = [number for number, head in enumerate(heads) if "beside the last one" in head]
    assert beside == [len(typed) - 2, len(typed) - 1]


def test_the_end_names_three_things_to_try(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street.street(tmp_path, street.Size())
    said = capsys.readouterr().out
    tries = said.partition("Three things to try next:\n")[2].splitlines()[::2]
    assert [line.split()[:2] for line in tries] == [
        ["make", "page"],
        [".venv/bin/videobert", "search"],
        [".venv/bin/videobert", "run"],
    ]


def test_a_command_that_fails_ends_the_demo_with_its_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="3"):
        running.run(("python", "-c", "raise SystemExit(3)"))
    assert capsys.readouterr().out.endswith("the command above ended with exit status 3\n")


def test_every_option_says_what_it_is_and_its_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["street", "--help"])
    with pytest.raises(SystemExit):
        street.main()
    said = " ".join(capsys.readouterr().out.split())
    assert f"videos to film (default: {street.Size.videos})" in said
    assert said.count("(default: ") == 9


def test_all_videos_are_looked_at_by_the_engine_that_is_asked_for(tmp_path: Path) -> None:
    size = street.Size(engine="torch")
    looks = [
        step.command
        for step in street.steps_of(street.Places.below(tmp_path), size)
        if "extract" in step.command
    ]
    assert len(looks) == 2
    assert all(command[-2:] == ("--engine", "torch") for command in looks)


def test_a_kitchen_of_another_size_or_seed_stops_it(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "kitchen").mkdir()
    write_truth(plan(3, 0), tmp_path / "kitchen" / "truth.json")
    wanted = street.Size.videos
    with pytest.raises(
        InputError,
        match=rf"truth\.json has 3 for videos, not {wanted}: give --videos 3, or another --out",
    ):
        street.street(tmp_path, street.Size())
    with pytest.raises(InputError, match=r"has 0 for seed, not 1: give --seed 0, or another --out"):
        street.street(tmp_path, street.Size(videos=3, seed=1))
    assert not typed


def test_a_kitchen_that_is_there_is_not_filmed_again(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "kitchen").mkdir()
    write_truth(plan(3, 0), tmp_path / "kitchen" / "truth.json")
    street.street(tmp_path, street.Size(videos=3))
    assert typed and not any("demos.kitchen " in command for command in typed)
