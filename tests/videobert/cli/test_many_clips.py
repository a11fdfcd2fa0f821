"""One question about many clips: a row each, failures among them, and tokenized videos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from feature_extraction.hearing.captions.formats import read_captions
from tests.toys.command_line import Run
from tests.toys.street import Street

TEMPLATE = ("--template", "the [MASK] square")


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(street: Street, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of the street, and a file that is none."""
    made = tmp_path_factory.mktemp("many")
    for name in ("recipe_0.mp4", "recipe_1.mp4"):
        shutil.copy(street.videos / name, made)
    (made / "broken.mp4").write_text("no video")
    return made


def test_a_folder_is_a_line_of_json_a_clip(street: Street, folder: Path, videobert: Run) -> None:
    asked = ("predict", folder, "--model", street.model, *TEMPLATE, "--json")
    result = videobert(*asked)
    found = {Path(row["clip"]).stem: row for row in rows(result.out)}
    assert result.status == 1 and set(found) == {"broken", "recipe_0", "recipe_1"}
    assert "cannot be read as a video" in found.pop("broken")["failure"]
    for name, row in found.items():
        one = videobert(
            "predict", folder / f"{name}.mp4", *asked[2:], "--picture", folder / "p.png"
        )
        alone = json.loads(one.out)
        assert row["masks"] == alone["masks"] and row["end"] == alone["visual"]["end"][-1]
    assert len({json.dumps(row["masks"]) for row in found.values()}) == 2


def test_people_read_a_sentence_a_clip(street: Street, folder: Path, videobert: Run) -> None:
    names = [folder / "recipe_0.mp4", folder / "recipe_1.mp4"]
    result = videobert("predict", *names, "--model", street.model, *TEMPLATE, "--end", 3)
    lines = sorted(result.out.splitlines())
    assert result.status == 0 and len(lines) == 2
    for name, line in zip(names, lines, strict=True):
        assert line.startswith(str(name)) and line.endswith("square") and "0.0     3.0" in line
        assert "[MASK]" not in line


def test_tokenized_videos_are_asked_in_windows_without_their_pictures(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    shutil.copytree(street.work / "tokens", tmp_path / "work/tokens")
    asked = ("--work", tmp_path / "work", "--model", street.model, "--json", *TEMPLATE)
    result = videobert("predict", "recipe_2", *asked, "--window", 3)
    found = rows(result.out)
    tokens = pq.read_table(street.work / "tokens/recipe_2.parquet")
    assert result.status == 0 and len(found) == -(-tokens.num_rows // 2)
    assert [row["start"] for row in found] == tokens.column("start").to_pylist()[::2]
    every = rows(videobert("predict", *asked).out)
    assert {row["clip"] for row in every} == {f"recipe_{number}" for number in range(4)}
    part = rows(videobert("predict", "recipe_2", *asked, "--start", 3, "--end", 5.9).out)
    assert part[0]["start"] == 3 and part[-1]["end"] <= 6
    absent = videobert("predict", "recipe_9", "recipe_0", *asked)
    failure, *rest = rows(absent.out)
    assert absent.status == 1 and rest and "recipe_9 is no video of" in failure["failure"]


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_a_player_shows_the_answers(
    street: Street, tmp_path: Path, videobert: Run, form: str
) -> None:
    asked = ("--work", street.work, "--model", street.model, *TEMPLATE)
    result = videobert(
        *("predict", "recipe_0", *asked, "--captions", tmp_path, "--captions-format", form)
    )
    path = tmp_path / f"recipe_0.{form}"
    assert result.status == 0 and result.out == f"written: {path}\n"
    words = [word.text for word in read_captions(path).words]
    assert words[0] == "the" and words[2] == "square" and "[MASK]" not in words


def test_forecasts_of_many_are_lines(street: Street, folder: Path, videobert: Run) -> None:
    asked = ("--work", street.work, "--model", street.model, "--step", 1)
    found = rows(videobert("forecast", *asked, "--json").out)
    assert len(found) > 4 and all(row["forecast"][0]["step"] == 1 for row in found)
    assert "1 ahead: word " in videobert("forecast", *asked, "recipe_1").out


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "no clip was given: name a video, several, a folder, or --work DIR"),
        (["a.mp4", "b.mp4"], "a.mp4 does not exist: give a video, a folder of videos"),
        (["a.mp4", "b.mp4", "--picture", "p.png"], "--picture is drawn of one clip: leave it out"),
        (["a.mp4", "b.mp4", "--captions", "caps"], "--captions goes with --work: tokenize"),
        (["a.mp4", "--work", "absent"], "holds no visual words: run videobert tokenize"),
        (["--work", "absent", "--window", 0], "--window 0 will not do: give more than 0"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    street: Street, videobert: Run, given: list[Any], reason: str
) -> None:
    result = videobert("predict", *given, "--model", street.model)
    assert result.status == 2 and reason in result.err and result.err.count("\n") == 1
