"""The benchmark on YouCook2: its file, the videos of a folder, the rows of the table, what is refused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from feature_extraction.schema import feature_column, features_schema
from tests.toys.codebook import MADE_WITH, WIDTH, toy_codebook
from tests.toys.model import toy_model, with_bank
from tokenization.schema import TOKENS
from videobert.cli.evaluate import evaluate as command
from videobert.data.stretches import with_clips
from videobert.data.youcook2 import VALIDATION, read_annotations, read_clip_list
from videobert.data.youcook2_footage import Footage, starts_by_video
from videobert.evaluation.actions import METHODS
from videobert.evaluation.labels import nouns, verbs
from videobert.evaluation.youcook2 import evaluate_youcook2
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.files import write_json, write_table

Annotated = dict[str, Any]
VIDEOS = {
    "abcdefghij1": "training",
    "abcdefghij2": "training",
    "abcdefghij3": "validation",
    "-bcdefghi_4": "validation",
}
SENTENCES = [
    "cut the onions",
    "stir the rice in the pan",
    "whatever this is",
    "pour the oil into the bowl",
]
SPAN = 15.0


def annotations(path: Path, change: Callable[[Annotated], object] = lambda _: None) -> Path:
    rows = [
        {"segment": [n * SPAN, (n + 1) * SPAN], "id": n, "sentence": text}
        for n, text in enumerate(SENTENCES)
    ]
    made = {
        "database": {
            video: {"subset": subset, "annotations": rows} for video, subset in VIDEOS.items()
        }
    }
    change(made)
    path.write_text(json.dumps(made))
    return path


def write_tokens(
    work: Path, video: str, seed: int, seconds: float = 4 * SPAN, digest: str | None = None
) -> None:
    starts = np.arange(0, seconds, 1.5)
    words = np.random.default_rng(seed).integers(0, 9, len(starts))
    columns = {
        "video_id": [video] * len(starts),
        "index": range(len(starts)),
        "start": starts,
        "end": starts + 1.5,
        "token": words,
    }
    write_table(pa.table(columns).cast(TOKENS), work / "tokens" / f"{video}.parquet")
    write_json({"codebook": digest or toy_codebook().digest}, work / "tokens/options.json")


def write_features(work: Path, video: str, features: np.ndarray) -> None:
    index = np.arange(len(features), dtype=np.int32)
    arrays = [
        pa.array([video] * len(index)),
        *map(pa.array, (index, index * 1.5, index * 1.5 + 1.5)),
        feature_column(features),
    ]
    table = pa.Table.from_arrays(arrays, schema=features_schema(features.shape[1]))
    write_table(table, work / "features" / f"{video}.parquet")
    write_json(MADE_WITH, work / "features/options.json")


def telling_features(seed: int) -> np.ndarray:
    """Of four segments in turn, one number each that is large: a probe can tell them apart."""
    noise = np.random.default_rng(seed).normal(scale=0.1, size=(40, WIDTH))
    return (noise + 3 * np.repeat(np.eye(4, WIDTH), 10, axis=0)).astype(np.float16)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    sentences = [
        f"now let me show you how to {verb} the {noun}"
        for verb in verbs().words
        for noun in nouns().words
    ]
    return with_bank(toy_model(sentences))


def test_the_real_file(shared_data: Path, tmp_path: Path, model: TrainedModel) -> None:
    path = shared_data / "annotations/youcook2/youcookii_annotations_trainval.json"
    captions = read_annotations(path)[VALIDATION]
    videos = sorted({caption.video for caption in captions})
    assert len(videos) == 457 and len(captions) == 3492
    for seed, video in enumerate(videos[::10]):
        write_tokens(tmp_path, video, seed, seconds=900)
    result = evaluate_youcook2(path, tmp_path, model)
    assert (result.videos, result.segments, result.table.videos) == (457, 3492, 46)
    assert result.missing == tuple(video for number, video in enumerate(videos) if number % 10)
    segments = sum(caption.video in set(videos[::10]) for caption in captions)
    assert result.table.segments + result.unnamed + result.unseen == segments
    rows = result.table.rows
    assert set(rows) | set(result.table.left_out) == set(METHODS) and list(
        result.table.left_out
    ) == ["linear_probe"]
    assert (
        rows["chance"]["verb_top5"].value == 5 / 45 and rows["chance"]["noun_top1"].value == 1 / 100
    )
    assert (
        rows["frequency_prior"]["verb_top1"].value > 0.25
    )  # "add" is a good guess in every kitchen
    for row in rows.values():
        assert all(0 <= figure.low <= figure.value <= figure.high <= 1 for figure in row.values())
    assert (
        rows["cross_modal"]["verb_top5"].value < 0.5
    )  # made-up words and an untrained model know nothing


def test_features_alone_give_words_and_the_probe_its_row(
    tmp_path: Path, model: TrainedModel
) -> None:
    for seed, video in enumerate(VIDEOS):
        write_features(tmp_path, video, telling_features(seed))
    result = evaluate_youcook2(annotations(tmp_path / "a.json"), tmp_path, model)
    assert (result.table.segments, result.unnamed, result.unseen, result.missing) == (6, 2, 0, ())
    assert list(result.table.rows) == list(METHODS) and not result.table.left_out
    assert (
        result.table.rows["linear_probe"]["verb_top1"].value
        == result.table.rows["linear_probe"]["noun_top1"].value
        == 1
    )
    caption, *_ = read_annotations(tmp_path / "a.json")[VALIDATION]
    (seen,) = with_clips([caption], Footage(tmp_path, toy_codebook(), {caption.video: []}).clips)
    shown = telling_features(2)[:10]
    assert np.array_equal(seen.words, toy_codebook().predict(shown, MADE_WITH))
    assert np.allclose(seen.feature, shown.astype(float).mean(axis=0), atol=1e-3)


def test_segments_without_a_clip_and_without_a_listed_word_are_counted(
    tmp_path: Path, model: TrainedModel
) -> None:
    write_tokens(tmp_path, "abcdefghij3", 0, seconds=SPAN)
    result = evaluate_youcook2(annotations(tmp_path / "a.json"), tmp_path, model)
    assert (result.table.segments, result.unnamed, result.unseen, result.missing) == (
        1,
        1,
        2,
        ("-bcdefghi_4",),
    )
    assert set(result.table.left_out) == {
        "shuffled_video",
        "calibrated_shuffled",
        "linear_probe",
    }


def test_the_frequency_prior_is_what_training_does_most(
    tmp_path: Path, model: TrainedModel
) -> None:
    def only_cut(made: Annotated) -> None:
        for about in made["database"].values():
            if about["subset"] == "training":
                about["annotations"] = about["annotations"][:1]

    write_tokens(tmp_path, "abcdefghij3", 0)
    prior = evaluate_youcook2(
        annotations(tmp_path / "a.json", only_cut), tmp_path, model
    ).table.rows["frequency_prior"]
    assert prior["verb_top1"].value == prior["noun_top1"].value == pytest.approx(1 / 3)


def test_folders_that_cannot_be_used(tmp_path: Path, model: TrainedModel) -> None:
    path, work = annotations(tmp_path / "a.json"), tmp_path / "work"
    with pytest.raises(InputError, match="neither visual words nor features"):
        evaluate_youcook2(path, work, model)
    write_tokens(work, "unknown", 0)
    with pytest.raises(InputError, match="none of the 2 validation videos"):
        evaluate_youcook2(path, work, model)
    write_tokens(work, "abcdefghij3", 0, digest="another")
    with pytest.raises(InputError, match="another codebook"):
        evaluate_youcook2(path, work, model)
    write_tokens(work, "abcdefghij3", 0)
    with pytest.raises(InputError, match=r"has 1 .MASK.s: write 2"):
        evaluate_youcook2(path, work, model, ["just [MASK]"])
    write_features(work, "abcdefghij3", telling_features(0)[:7])
    with pytest.raises(InputError, match="has not the clips of"):
        evaluate_youcook2(path, work, model)
    shutil.rmtree(work)
    write_tokens(work, "abcdefghij3", 0, seconds=1)
    with pytest.raises(
        InputError, match=r"of 3 segments of .* none has a listed verb, noun and a clip"
    ):
        evaluate_youcook2(
            annotations(path, lambda made: made["database"]["abcdefghij3"]["annotations"].pop(0)),
            work,
            model,
        )


def test_labels_are_spelt_before_any_footage_is_read(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"cannot spell YouCook2's label '\w+': use a model that starts from bert"
    ):
        evaluate_youcook2(
            annotations(tmp_path / "a.json"), tmp_path / "absent", toy_model(["cut the onion"] * 2)
        )


def test_the_command_prints_the_table_and_what_is_missing(
    tmp_path: Path, model: TrainedModel, monkeypatch: Any
) -> None:
    monkeypatch.setattr("videobert.loading.load_model", lambda folder: model)
    write_tokens(tmp_path, "abcdefghij3", 0)
    (tmp_path / "templates.txt").write_text("[MASK] the [MASK]\nhow to [MASK] the [MASK]\n")
    path = annotations(tmp_path / "a.json")
    given = [
        "--annotations",
        path,
        "--work",
        tmp_path,
        "--model",
        tmp_path,
        "--templates",
        tmp_path / "templates.txt",
    ]
    group = (
        ["youcook2"] if len(command.registered_commands) > 1 else []
    )  # one verb alone needs no name
    said = CliRunner().invoke(command, [*group, *map(str, given)]).stdout
    assert (
        "cross modal" in said
        and "linear probe is left out: no training segment has features" in said
    )
    assert "missing videos, 1: -bcdefghi_4" in said
    assert re.search(
        r"verb: \d+% of single templates' first words are .*; \d+% of the probability moves", said
    )
    refused = CliRunner().invoke(command, [*group, *map(str, given[:-1]), str(path)])
    assert isinstance(refused.exception, InputError) and str(refused.exception).startswith(
        str(path)
    )
    found = json.loads(CliRunner().invoke(command, [*group, *map(str, given), "--json"]).stdout)
    assert found["missing"] == ["-bcdefghi_4"] and found["table"]["segments"] == 3
    assert set(found["table"]["rows"]["cross_modal"]["noun_top5"]) == {"value", "low", "high"}


def test_files_of_segments_stand_for_their_video(tmp_path: Path, model: TrainedModel) -> None:
    path = annotations(tmp_path / "a.json")
    captions = read_annotations(path)[VALIDATION]
    starts = starts_by_video(captions)
    for number in (0, 3):
        write_features(tmp_path, f"val%2F-bcdefghi_4_{number}", telling_features(number)[:10])
    footage = Footage(tmp_path, toy_codebook(), starts)
    assert set(footage.known) == footage.with_features == {"-bcdefghi_4"}
    own = [caption for caption in captions if caption.video == "-bcdefghi_4"]
    first, last = with_clips(own, footage.clips)
    assert (first.start, last.start) == (0.0, 3 * SPAN)
    for seen, number in ((first, 0), (last, 3)):
        shown = telling_features(number)[:10]
        assert np.array_equal(seen.words, toy_codebook().predict(shown, MADE_WITH))
    result = evaluate_youcook2(path, tmp_path, model)
    assert (result.table.segments, result.missing) == (2, ("abcdefghij3",))


def test_segments_that_cannot_be(tmp_path: Path) -> None:
    starts = {"-bcdefghi_4": [0.0]}
    write_features(tmp_path, "-bcdefghi_4_1", telling_features(0))
    with pytest.raises(InputError, match="should be segment 1 of -bcdefghi_4, which has 1"):
        Footage(tmp_path, toy_codebook(), starts)
    (tmp_path / "features/-bcdefghi_4_1.parquet").unlink()
    for folder in ("a", "b"):
        write_features(tmp_path, f"{folder}%2F-bcdefghi_4_0", telling_features(0))
    with pytest.raises(InputError, match="hold the same segment"):
        Footage(tmp_path, toy_codebook(), starts)


@pytest.mark.parametrize("training", [True, False])
def test_clips_of_a_list_are_searched(tmp_path: Path, model: TrainedModel, training: bool) -> None:
    learnt = ["abcdefghij1"] if training else []
    for seed, video in enumerate(["abcdefghij3", *learnt]):
        write_tokens(tmp_path, video, seed)
    table = tmp_path / "clips.csv"
    lines = [f"{(n + 1) * SPAN},{n * SPAN},1,{text},abcdefghij3" for n, text in enumerate("abcd")]
    table.write_text("end,start,task,text,video_id\n" + "\n".join(lines))
    result = evaluate_youcook2(
        annotations(tmp_path / "a.json"), tmp_path, model, clips=table
    ).retrieval
    assert result is not None and (result.sentences, result.passages) == (4, 4)
    assert result.text_to_clip["chance"]["recall"][1].value == 0.25


def test_a_list_of_clips_is_read_or_refused(shared_data: Path, tmp_path: Path) -> None:
    real = shared_data / "annotations/youcook2_retrieval/validation_youcook.csv"
    found = read_clip_list(real)
    assert len(found) == 3350
    assert (found[0].video, found[0].start, found[0].end) == ("xHr8X2Wpmno", 47.0, 60.0)
    assert found[0].text == "pick the ends off the verdalago"
    (tmp_path / "other.csv").write_text("video,start\nabc,1\n")
    for path in (tmp_path / "other.csv", tmp_path / "absent.csv"):
        with pytest.raises(InputError, match=r"give validation_youcook\.csv"):
            read_clip_list(path)
