"""The kitchen's two tables: of its truth, features and examples, with the rows of every benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from demos.kitchen import evaluation
from demos.kitchen.recipes import plan
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, write_truth
from feature_extraction.schema import feature_column, features_schema
from tests.toys.codebook import MADE_WITH, WIDTH
from tests.toys.model import toy_model, with_bank
from tokenization.codebook import Codebook
from tokenization.schema import EXAMPLES
from videobert.evaluation.actions import METHODS
from videobert.loading import TrainedModel
from workfolder.files import write_json, write_table
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def truth() -> Truth:
    return plan(20, seed=1)


@pytest.fixture(scope="module")
def model(truth: Truth) -> TrainedModel:
    sentences = [
        f"now let me show you how to {verb} the {noun}"
        for verb in truth.verbs
        for noun in truth.nouns
    ]
    return with_bank(toy_model(sentences * 2))


def write_work(truth: Truth, splits: set[str], work: Path, codebook: Codebook) -> Path:
    """Features in which a step's verb can be seen and its noun cannot, and what its narration says."""
    looks = 5 * np.random.default_rng(0).normal(size=(len(truth.verbs), WIDTH))
    for video in truth.videos:
        if video.split not in splits:
            continue
        name, starts = Path(video.video).name, np.arange(0, video.duration - 1.5, 1.5)
        features = np.zeros((len(starts), WIDTH), dtype=np.float16)
        for step in video.steps:
            inside = (step.start <= starts + 0.75) & (starts + 0.75 <= step.end)
            features[inside] = looks[truth.verbs.index(step.verb)]
        index = np.arange(len(starts), dtype=np.int32)
        arrays = [
            pa.array([name] * len(index)),
            *map(pa.array, (index, starts, starts + 1.5)),
            feature_column(features),
        ]
        write_table(
            pa.Table.from_arrays(arrays, schema=features_schema(WIDTH)),
            work / "features" / f"{name}.parquet",
        )
        rows = [
            {"video_id": name, "start": s.start, "end": s.end, "text": s.caption, "visual": [verb]}
            for s in video.steps
            for verb in codebook.predict(looks[[truth.verbs.index(s.verb)]], MADE_WITH).tolist()
        ]
        write_table(
            pa.Table.from_pylist(rows, schema=EXAMPLES), work / "examples" / f"{name}.parquet"
        )
    write_json(MADE_WITH, work / "features/options.json")
    write_json({"codebook": codebook.digest}, work / "examples/options.json")
    return work


def test_both_tables_have_every_row_and_are_written(
    truth: Truth,
    model: TrainedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    codebook = model.processor.codebook
    training = write_work(truth, {TRAINING}, tmp_path / "work", codebook)
    held_out = write_work(
        truth, {HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS}, tmp_path / "held_out", codebook
    )
    write_truth(truth, tmp_path / "truth.json")
    monkeypatch.setattr(evaluation, "load_to_ask", lambda folder: model)
    given = {
        "truth": tmp_path / "truth.json",
        "training": training,
        "held-out": held_out,
        "model": tmp_path,
        "out": tmp_path / "r",
    }
    monkeypatch.setattr(
        "sys.argv",
        [
            "evaluation",
            *(str(part) for name, path in given.items() for part in (f"--{name}", path)),
        ],
    )
    evaluation.main()
    said = capfd.readouterr().out
    assert (
        "held out videos" in said
        and "held out combinations" in said
        and said.count("linear probe") == 2
    )
    tables = json.loads((tmp_path / "r").read_text())
    found = tables.pop("search")
    sentences = {s.caption for v in truth.videos if v.split == HELD_OUT_VIDEOS for s in v.steps}
    assert found["sentences"] == len(sentences)
    first = {method: row["recall"]["1"]["value"] for method, row in found["text_to_clip"].items()}
    # What is seen tells the verb alone, and of each verb there are several.
    assert first["chance"] < first["bm25"] < 0.9
    assert f"search: {len(sentences)} sentences about new videos" in " ".join(said.split())
    assert list(tables) == [HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS]
    for split, table in tables.items():
        steps = sum(len(video.steps) for video in truth.videos if video.split == split)
        assert list(table["rows"]) == list(METHODS) and table["segments"] == steps
        assert table["rows"]["chance"]["verb_top1"]["value"] == 1 / len(truth.verbs)
        probe = table["rows"]["linear_probe"]
        assert probe["verb_top1"]["value"] > 0.9 and probe["noun_top1"]["value"] < 0.5


def test_what_cannot_be_evaluated_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name: tmp_path / name for name in ("truth", "training", "held-out", "model", "out")}
    monkeypatch.setattr(
        "sys.argv",
        ["evaluation", *(str(p) for name, path in given.items() for p in (f"--{name}", path))],
    )
    with pytest.raises(
        SystemExit,
        match=r"^python -m demos\.kitchen\.evaluation: .*truth is not a kitchen's truth\.json",
    ):
        evaluation.main()


def test_a_steps_words_are_those_of_its_clips(
    truth: Truth, model: TrainedModel, tmp_path: Path
) -> None:
    work = write_work(truth, {HELD_OUT_VIDEOS}, tmp_path, model.processor.codebook)
    found = evaluation.steps_of(
        truth, HELD_OUT_VIDEOS, Stage(work / "features"), model.processor.codebook
    )
    by_verb: dict[int, set[int]] = {}
    for step in found:
        assert step.feature is not None and len(step.words) >= 1
        by_verb.setdefault(step.labels[0], set()).update(step.words.tolist())
    assert len(by_verb) > 5 and all(len(words) == 1 for words in by_verb.values())
