"""From videos to a prediction, as a user would go: every stage, a second run, other options, bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from tests.toys.command_line import Run, assert_refused
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe

TRAINING = "--init none --size tiny --steps 40 --batch-size 12 --learning-rate 2e-3 --max-length 48".split()
CODEBOOK = "--branching 3 --depth 2".split()


def copied(street: Street, folder: Path) -> Street:
    """A street of one's own, to break."""
    for field in fields(street):
        shutil.copytree(getattr(street, field.name), folder / field.name)
    return Street(folder / "videos", folder / "work", folder / "model")


def rows(folder: Path) -> list[dict[str, object]]:
    """All rows of a stage."""
    return [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]


def test_every_stage_wrote_a_file_for_each_video(street: Street) -> None:
    videos = [f"recipe_{number}" for number in range(4)]
    for stage in ("features", "transcripts", "tokens", "examples"):
        assert sorted(path.stem for path in (street.work / stage).glob("*.parquet")) == videos
    assert (
        not list(street.work.rglob(".*.part"))
        and not (street.work / "codebook.unfinished").exists()
    )


def test_features_say_where_they_come_from(street: Street) -> None:
    table = pq.read_table(street.work / "features" / "recipe_1.parquet")
    assert table.column("video_id").unique().to_pylist() == ["recipe_1"]
    assert table.column("start").to_pylist() == [
        1.5 * index for index in table.column("index").to_pylist()
    ]
    assert table.schema.field("feature").type.list_size == 1024
    features = np.stack(table.column("feature").to_numpy()).astype(np.float32)
    assert np.isfinite(features).all() and features.std() > 0.1


def test_a_word_is_its_clips_and_a_sentence_has_the_words_of_its_time(street: Street) -> None:
    tokens = pq.read_table(street.work / "tokens" / "recipe_1.parquet").to_pylist()
    examples = pq.read_table(street.work / "examples" / "recipe_1.parquet").to_pylist()
    spoken = [example for example in examples if example["text"]]
    assert [
        "blue" in spoken[0]["text"],
        "yellow" in spoken[1]["text"],
        "red" in spoken[2]["text"],
    ] == [True] * 3
    for example in spoken:
        inside = [
            t["token"]
            for t in tokens
            if example["start"] <= (t["start"] + t["end"]) / 2 <= example["end"]
        ]
        assert example["visual"] == inside


def test_one_colour_is_one_word_in_every_video(street: Street) -> None:
    words: dict[str, set[int]] = {}
    for path in (street.work / "examples").glob("*.parquet"):
        for example in pq.read_table(path).to_pylist():
            for colour in ("red", "green", "blue", "yellow"):
                if colour in example["text"]:
                    words.setdefault(colour, set()).update(example["visual"])
    for colour, mine in words.items():
        assert not any(mine & others for other, others in words.items() if other != colour)


def test_the_model_folder_is_all_that_predict_needs(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    shutil.copytree(street.model, tmp_path / "moved")
    clip = coloured_recipe(tmp_path / "new.mp4", ["blue"], spoken=False)
    picture = tmp_path / "picture.png"
    asked = ("predict", clip, "--model", tmp_path / "moved", "--picture", picture, "--json",
             "--template", "now we [MASK] the [MASK] square", "--top", 3)  # fmt: skip
    fair = videobert(*asked)
    assert fair.status == 0, fair.err
    # A word that the model itself finds implausible is no answer, however few are left.
    assert all(1 <= len(mask) <= 3 for mask in json.loads(fair.out)["masks"])
    result = videobert(*asked, "--as-the-paper")
    assert result.status == 0, result.err
    answer = json.loads(result.out)
    assert [len(mask) for mask in answer["masks"]] == [3, 3]
    assert answer["visual"]["start"] == [0.0, 1.5, 3.0]
    probabilities = [guess["probability"] for guess in answer["masks"][0]]
    assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1
    image = np.asarray(Image.open(picture).convert("RGB"))
    assert image.shape[1] > 1000 and len(np.unique(image.reshape(-1, 3), axis=0)) > 500


def test_labels_are_all_that_is_ranked(street: Street, tmp_path: Path, videobert: Run) -> None:
    clip = coloured_recipe(tmp_path / "new.mp4", ["red"], spoken=False)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    arguments = (
        "predict",
        clip,
        "--model",
        street.model,
        "--picture",
        tmp_path / "p.png",
        "--template",
        "the [MASK] square",
    )
    result = videobert(*arguments, "--labels", tmp_path / "labels.txt", "--json")
    (mask,) = json.loads(result.out)["masks"]
    assert {guess["word"] for guess in mask} == {"red", "green", "blue"}
    assert sum(guess["probability"] for guess in mask) == pytest.approx(1)
    (tmp_path / "labels.txt").write_text("red\nxylophonist\n")
    assert_refused(videobert(*arguments, "--labels", tmp_path / "labels.txt"), "xylophonist")


def test_a_second_run_does_nothing_and_says_so(street: Street, videobert: Run) -> None:
    def written() -> dict[Path, int]:
        files = [*street.work.rglob("*"), *street.model.rglob("*")]
        return {path: path.stat().st_mtime_ns for path in files if path.name != "run.toml"}

    before = written()
    stages = [
        ("extract", street.videos, "--work", street.work, "--weights", "random:0"),
        ("transcribe", street.videos, "--work", street.work),
        ("cluster", "--work", street.work, *CODEBOOK),
        ("tokenize", "--work", street.work),
        ("pretrain", "--work", street.work, "--out", street.model, *TRAINING),
        (
            "run",
            street.videos,
            "--work",
            street.work,
            "--out",
            street.model,
            "--weights",
            "random:0",
            *CODEBOOK,
            *TRAINING,
        ),
    ]
    for stage in stages:
        result = videobert(*stage)
        assert result.status == 0, result.err
        assert all(line.endswith("done already, nothing to do") for line in result.out.splitlines())
    assert written() == before


@pytest.mark.parametrize(
    ("command", "difference"),
    [
        (
            "extract {videos} --work {work} --weights random:1",
            "weights was 'random:0' and is now 'random:1'",
        ),
        ("transcribe {videos} --work {work} --asr none", "asr was 'auto' and is now 'none'"),
        ("cluster --work {work} --branching 4 --depth 2", "branching was 3 and is now 4"),
        (
            "pretrain --work {work} --out {model} --init none --size mini",
            "size was 'tiny' and is now 'mini'",
        ),
    ],
)
def test_other_options_are_refused_with_the_difference(
    street: Street, videobert: Run, command: str, difference: str
) -> None:
    arguments = command.format(**{name: str(value) for name, value in vars(street).items()}).split()
    assert_refused(videobert(*arguments), difference)


def test_another_codebook_refuses_the_old_words(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    mine = copied(street, tmp_path)
    shutil.rmtree(mine.work / "codebook")
    assert videobert("cluster", "--work", mine.work, "--branching", 2, "--depth", 3).status == 0
    assert_refused(videobert("tokenize", "--work", mine.work), mine.work / "tokens", "codebook was")


def test_status_says_what_is_there_and_what_failed(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    mine = copied(street, tmp_path)
    (mine.videos / "broken.mp4").write_bytes(b"no video")
    result = videobert("extract", mine.videos, "--work", mine.work, "--weights", "random:0")
    assert result.status == 1 and "broken.mp4" in result.err and "Traceback" not in result.err
    found = json.loads(videobert("status", "--work", mine.work, "--json").out)
    recipes = [f"recipe_{number}" for number in range(4)]
    assert (
        found["features"]["done"] == recipes
        and "broken.mp4" in found["features"]["failed"]["broken"]
    )
    assert (
        found["examples"]["done"] == recipes
        and not any(found["examples"][fate] for fate in ("failed", "waiting", "partial"))
        and found["codebook"] is True
    )
    assert "broken.mp4 cannot be read as a video" in videobert("status", "--work", mine.work).out


def test_a_codebook_that_has_rotted_is_found(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    mine = copied(street, tmp_path)
    path = mine.work / "codebook" / "centroids.safetensors"
    centroids = load_file(path)
    centroids["mean"][5] += 1e-3
    save_file(centroids, path)
    result = videobert("status", "--work", mine.work, "--verify", "--json")
    assert result.status == 1 and json.loads(result.out)["damaged"].keys() == {"codebook"}
    assert_refused(videobert("tokenize", "--work", mine.work), path, "its digest differs")
    path.write_bytes(b"torn")
    assert "centroids.safetensors" in videobert("status", "--work", mine.work, "--verify").out
    assert videobert("status", "--work", street.work, "--verify").status == 0


def test_a_codebook_is_inspected_and_compared(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    page = tmp_path / "page.html"
    result = videobert(
        "inspect", "codebook", street.work, "--other", street.work, "--page", page, "--json"
    )
    report = json.loads(result.out)[str(street.work)]
    assert report["words"] == 9 and report["words_in_use"] + report["dead_words"] == 9
    assert sum(level["nodes"] for level in report["levels"]) > 3 and page.read_text().startswith(
        "<!DOCTYPE html>"
    )
    assert "words in use" in videobert("inspect", "codebook", street.work, "--page", page).out
    assert_refused(
        videobert("inspect", "codebook", tmp_path, "--page", tmp_path / "none.html"),
        "videobert cluster",
    )
    assert not (tmp_path / "none.html").exists()


def test_a_model_whose_codebook_is_another(street: Street, tmp_path: Path, videobert: Run) -> None:
    mine = copied(street, tmp_path)
    shutil.rmtree(mine.work / "codebook")
    assert videobert("cluster", "--work", mine.work, "--branching", 2, "--depth", 2).status == 0
    shutil.rmtree(mine.model / "codebook")
    shutil.copytree(mine.work / "codebook", mine.model / "codebook")
    clip = coloured_recipe(tmp_path / "clip.mp4", ["red"], spoken=False)
    assert_refused(
        videobert("predict", clip, "--model", mine.model), mine.model, "another codebook"
    )


def test_a_video_without_captions_fails_by_name_and_none_hears_nothing(
    tmp_path: Path, videobert: Run
) -> None:
    coloured_recipe(tmp_path / "videos" / "mute.mp4", ["red"], spoken=False)
    result = videobert("transcribe", tmp_path / "videos", "--work", tmp_path / "work")
    assert result.status == 1 and "mute.mp4 has no sound: give captions" in result.err
    assert (
        videobert(
            "transcribe", tmp_path / "videos", "--work", tmp_path / "silent", "--asr", "none"
        ).status
        == 0
    )
    assert pq.read_table(tmp_path / "silent" / "transcripts" / "mute.parquet").num_rows == 0


def test_a_real_clip_of_ten_seconds(
    street: Street, shared_data: Path, tmp_path: Path, videobert: Run
) -> None:
    clip = shared_data / "video" / "decord" / "examples" / "flipping_a_pancake.mkv"
    assert videobert("extract", clip, "--work", tmp_path, "--weights", "random:0").status == 0
    table = pq.read_table(tmp_path / "features" / "flipping_a_pancake.parquet")
    assert table.column("start").to_pylist() == [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0]
    result = videobert(
        "predict", clip, "--model", street.model, "--picture", tmp_path / "pancake.png"
    )
    assert result.status == 0 and (tmp_path / "pancake.png").stat().st_size > 10_000


def test_transcripts_are_made_anew_by_another_listener_without_extraction(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    mine = copied(street, tmp_path)
    features = {path: path.stat().st_mtime_ns for path in (mine.work / "features").iterdir()}
    transcribe = ("transcribe", mine.videos, "--work", mine.work, "--asr", "none")
    assert_refused(videobert(*transcribe), "asr was 'auto'", "--start-over")
    assert videobert(*transcribe, "--start-over").status == 0
    before, now = rows(mine.work / "transcripts.1"), rows(mine.work / "transcripts")
    assert len(before) == 10 and now == []
    assert_refused(
        videobert("tokenize", "--work", mine.work), mine.work / "examples", "--start-over"
    )
    assert videobert("tokenize", "--work", mine.work, "--start-over").status == 0
    said = [row["text"] for row in rows(mine.work / "examples")]
    assert said and not any(said)
    assert not (mine.work / "tokens.1").exists()
    assert features == {
        path: path.stat().st_mtime_ns for path in (mine.work / "features").iterdir()
    }


def test_a_run_tells_who_has_no_words_before_it_trains(tmp_path: Path, videobert: Run) -> None:
    for name, spoken in (("one", True), ("two", False), ("three", True), ("four", False)):
        coloured_recipe(tmp_path / "videos" / f"{name}.mp4", ["red", "blue"], spoken=spoken)
    folders = ("--work", tmp_path / "work", "--out", tmp_path / "model")
    options = "--weights random:0 --asr captions --steps 4 --init none --size tiny --joint-weight 0"
    result = videobert("run", tmp_path / "videos", *folders, *options.split(), *CODEBOOK)
    assert result.status == 1
    told, training = (result.err.index(text) for text in ("two.mp4 has no captions", "pretrain: "))
    assert told < training
    account = json.loads(videobert("status", "--work", tmp_path / "work", "--json").out)["examples"]
    assert account["done"] == ["one", "three"] and account["waiting"] == []
    assert account["failed"].keys() == {"two", "four"}
