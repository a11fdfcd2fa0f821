"""The verbs on a small trained model, as a user would type them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.toys.calls import call, refused
from tests.toys.command_line import Run
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe
from videobert.cli.pictures import CELL
from videobert.data.clip_encoder import ClipEncoder, EncodedClip
from videobert.loading import load_model
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

ENCODED: dict[tuple[Path, float, float], EncodedClip] = {}


@pytest.fixture(autouse=True)
def encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip that was encoded is not encoded again, which takes seconds."""
    encode = ClipEncoder.__call__

    def remember(
        encoder: ClipEncoder,
        path: Path,
        start: float = 0.0,
        end: float = np.inf,
        progress: Progress = silent,
    ) -> EncodedClip:
        if (path, start, end) not in ENCODED:
            ENCODED[path, start, end] = encode(encoder, path, start, end)
        progress("look", 0, 9)
        progress("look", 9, 9)
        return ENCODED[path, start, end]

    monkeypatch.setattr(ClipEncoder, "__call__", remember)
    monkeypatch.setattr(ClipEncoder, "prepare", lambda encoder: None)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured_recipe(
        tmp_path_factory.mktemp("unseen") / "new.mp4", ["blue", "red", "green"], spoken=False
    )


def assert_drawn(picture: Path) -> None:
    image = np.asarray(Image.open(picture).convert("RGB"))
    assert min(image.shape[:2]) > 300 and len(np.unique(image.reshape(-1, 3), axis=0)) > 500


def test_a_clip_is_forecast_in_words_and_pictures(
    street: Street, unseen: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "forecast.png"
    answer = call("forecast", unseen, "--model", street.model, "--picture", picture, "--json")
    assert [each["step"] for each in answer["forecast"]] == [1, 2, 4, 8]
    codebook = load_model(street.model).processor.codebook
    dead = set(codebook.tree.dead_words_.tolist())
    for each in answer["forecast"]:
        probabilities = [guess["probability"] for guess in each["guesses"]]
        assert (
            len(probabilities) == 3
            and probabilities == sorted(probabilities, reverse=True)
            and 0 < sum(probabilities) <= 1
        )
        assert not dead & {guess["word"] for guess in each["guesses"]}
    assert_drawn(picture)
    assert "drawn: " in call(
        "forecast", unseen, "--model", street.model, "--step", 3, "--picture", picture
    )


def test_a_sentence_is_imagined_in_words_and_pictures(street: Street, tmp_path: Path) -> None:
    picture = tmp_path / "imagined.png"
    arguments = (
        "imagine",
        "now we paint the red [square]",
        "--model",
        street.model,
        "--picture",
        picture,
    )
    answer = call(*arguments, "--masks", 2, "--json")
    assert [len(clip) for clip in answer["clips"]] == [3, 3] and len(answer["overall"]) == 3
    assert_drawn(picture)
    assert "now we paint the red [square]" in call(*arguments)


@pytest.mark.parametrize("first_stage", ["profiles", "transcripts"])
def test_search_finds_the_colour(street: Street, first_stage: str) -> None:
    arguments = (
        "search",
        "the yellow square",
        "--model",
        street.model,
        "--work",
        street.work,
        "--first-stage",
        first_stage,
    )
    hits = call(*arguments, "--weight", 0, "--top", 2, "--json")["hits"]
    assert [hit["video_id"] for hit in hits] == ["recipe_1", "recipe_3"]
    assert all("yellow" in hit["text"] and hit["start"] < hit["end"] for hit in hits)
    assert "recipe_1" in call(*arguments)


def test_search_by_the_head_alone_looks_at_everything(street: Street) -> None:
    hits = call(
        "search",
        "red",
        "--model",
        street.model,
        "--work",
        street.work,
        "--first-stage",
        "none",
        "--top",
        99,
        "--json",
    )
    examples = [
        row
        for path in (street.work / "examples").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    assert len(hits["hits"]) == sum(bool(row["visual"]) for row in examples)
    scores = [hit["score"] for hit in hits["hits"]]
    assert scores == sorted(scores, reverse=True) and 0 < scores[-1] <= scores[0] < 2


def test_a_sentence_is_located_in_a_video(street: Street, unseen: Path) -> None:
    arguments = ("locate", "the red square", unseen, "--model", street.model)
    found = call(*arguments, "--length", 3, "--top", 2, "--json")["locations"]
    assert (
        all(place["end"] - place["start"] == pytest.approx(4.5) for place in found)
        and len(found) == 2
    )
    assert "start" in call(*arguments)


def test_templates_and_labels_are_judged_before_the_clip_is_read(
    street: Street, tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_text("red\n口\n")
    asked = ("predict", tmp_path / "absent.mp4", "--model", street.model)
    refused(
        f"{tmp_path / 'labels.txt'}: the label '口'", *asked, "--labels", tmp_path / "labels.txt"
    )
    refused("the template '' has no [MASK]", *asked, "--template", "")
    refused("give one of them", *asked, "--template", "", "--templates", tmp_path / "labels.txt")


def test_templates_say_how_far_they_are_apart(street: Street, unseen: Path, tmp_path: Path) -> None:
    (tmp_path / "templates.txt").write_text("now we [MASK] the red square\nwe [MASK]\n")
    asked = (
        "--model",
        street.model,
        "--templates",
        tmp_path / "templates.txt",
        "--picture",
        tmp_path / "p.png",
    )
    printed = call("predict", unseen, *asked)
    assert re.search(
        r"mask 1: \d+% of single templates' first words are those of their average; \d+% of the prob",
        printed,
    )


def test_more_answers_are_printed_than_drawn(street: Street, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    asked = ("imagine", "the red square", "--model", street.model, "--picture", picture, "--json")
    call(*asked, "--masks", 1)
    narrow = Image.open(picture).size
    assert len(call(*asked, "--masks", 18)["clips"]) == 18
    assert narrow[0] < Image.open(picture).size[0] < 110 * CELL[0] * 11


@pytest.mark.parametrize("text", ["", "   ", "鍋"])
def test_a_sentence_that_says_nothing(
    street: Street, unseen: Path, tmp_path: Path, text: str
) -> None:
    for rest in (
        ("imagine", text, "--picture", tmp_path / "p.png"),
        ("search", text, "--work", street.work),
        ("locate", text, unseen),
    ):
        refused("the sentence", *rest, "--model", street.model)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "verb", [["predict"], ["forecast"], ["locate", "the red square"]], ids=lambda verb: verb[0]
)
def test_a_clip_that_ends_early_is_said_to(
    street: Street, unseen: Path, tmp_path: Path, videobert: Run, verb: list[str]
) -> None:
    half, reason = shutil.copy(unseen, tmp_path / "half.mp4"), "ends after 4.5 s of 13.5 s"
    drawn = [] if verb[0] == "locate" else ["--picture", tmp_path / "p.png"]
    asked = ("--model", street.model, "--json", *drawn)
    result = videobert(*verb, unseen, *asked)
    assert (
        json.loads(result.out)["partial"] is None
        and "look: " in result.err
        and "videobert: " not in result.err
    )
    ENCODED[half, 0.0, np.inf] = replace(ENCODED[unseen, 0.0, np.inf], path=half, partial=reason)
    result = videobert(*verb, half, *asked)
    assert result.status == 0 and json.loads(result.out)["partial"] == reason
    assert f"videobert: {half} {reason}\n" in result.err


def test_brackets_are_printed_as_they_are(street: Street, unseen: Path, tmp_path: Path) -> None:
    printed = call(
        "imagine",
        "the red [/] square [bold]",
        "--model",
        street.model,
        "--picture",
        tmp_path / "p.png",
    )
    assert "[/]" in printed and "[bold]" in printed


def test_a_clip_without_video(street: Street, shared_data: Path, tmp_path: Path) -> None:
    sound = next(
        path
        for path in (shared_data / "speech").rglob("*")
        if path.suffix in {".flac", ".wav", ".mp3"}
    )
    refused(sound.name, "forecast", sound, "--model", street.model, "--picture", tmp_path / "p.png")
    assert not (tmp_path / "p.png").exists()


def test_folders_that_do_not_fit(street: Street, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(street.work, tmp_path / "other")
    for stage in ("tokens", "examples"):
        options = Stage(tmp_path / "other" / stage).options() | {"codebook": "another"}
        (tmp_path / "other" / stage / "options.json").write_text(json.dumps(options))
    for folder, reason in (("empty", "tokenize"), ("other", "another codebook: copy the model's")):
        work = ("--model", street.model, "--work", tmp_path / folder)
        refused(reason, "search", "red", *work)
        refused(reason, "evaluate", "localisation", *work)
        for verb in ("retrieval", "forecast"):
            refused(reason, "evaluate", verb, *work, "--training", street.work)
            refused(
                reason,
                "evaluate",
                verb,
                "--model",
                street.model,
                "--work",
                street.work,
                "--training",
                tmp_path / folder,
            )
    refused(
        "--first-stage 'guess'",
        "search",
        "red",
        "--model",
        street.model,
        "--work",
        street.work,
        "--first-stage",
        "guess",
    )
