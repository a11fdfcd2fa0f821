"""Segments that can be told apart, as arrays and as a work folder, with the toy model that knows their words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import feature_column, features_schema
from tests.videobert.toy import WIDTH, toy_model
from tokenization.schema import EXAMPLES, TOKENS
from videobert.data.youcook2 import TRAINING, VALIDATION
from videobert.finetune.captions.captioner import TEMPLATE
from videobert.loading import TrainedModel
from workfolder.files import write_json, write_table
from workfolder.stage import Stage

SENTENCES = (
    "cut the bread",
    "spread butter on the bread",
    "put the bread into the hot pan, and then wait",
    "flip it",
    "let's eat the bread with butter",
)


def captioning_model() -> TrainedModel:
    """The toy model, with a tokenizer of SENTENCES and the template."""
    return toy_model([*SENTENCES, TEMPLATE.replace("[MASK]", "")] * 2)


def toy_segments(
    copies: int, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray, list[str], list[str]]:
    """Visual words, mean S3D features, sentences and videos: each sentence has a visual word and a direction of its own."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(copies * len(SENTENCES)) % len(SENTENCES)
    visual = [np.full(1 + n % 4, number) for n, number in enumerate(numbers)]
    s3d = 5 + np.eye(len(SENTENCES), WIDTH)[numbers] + 0.05 * rng.normal(size=(len(numbers), WIDTH))
    return (
        visual,
        s3d.astype(np.float32),
        [SENTENCES[n] for n in numbers],
        [f"video_{n // 5}" for n in range(len(numbers))],
    )


@dataclass(frozen=True)
class ToyWork:
    """A model's folder, a work folder of the same codebook, and annotations of its videos in YouCook2's form."""

    model: Path
    work: Path
    annotations: Path


def toy_work(folder: Path, model: TrainedModel, videos: int = 5) -> ToyWork:
    """Each video says all of SENTENCES in turn, 3 s each, over two clips of a look of its own."""
    toy = ToyWork(folder / "model", folder / "work", folder / "annotations.json")
    model.network.save_pretrained(toy.model)
    model.processor.save_pretrained(toy.model)
    codebook = model.processor.codebook
    options = {
        "features": codebook.options["features"],
        "tokens": {"codebook": codebook.digest},
        "examples": {},
    }
    stages = {name: Stage(toy.work / name) for name in options}
    for name, stage in stages.items():
        stage.claim(options[name])
    for number in range(videos):
        for name, table in _tables(f"video_{number}", np.random.default_rng(number)).items():
            write_table(table, stages[name].path(f"video_{number}"))
    database = {
        f"video_{number}": _annotation(TRAINING if number else VALIDATION)
        for number in range(videos)
    }
    write_json({"database": database | {"absent_one": _annotation(TRAINING)}}, toy.annotations)
    return toy


def _tables(video: str, rng: np.random.Generator) -> dict[str, pa.Table]:
    clips = [(video, index, 1.5 * index, 1.5 * index + 1.5) for index in range(2 * len(SENTENCES))]
    looks = np.repeat(np.arange(len(SENTENCES)), 2)
    features = (
        5 + np.eye(len(SENTENCES), WIDTH)[looks] + 0.05 * rng.normal(size=(len(looks), WIDTH))
    )
    columns = [pa.array(column) for column in zip(*clips, strict=True)]
    rows = [(video, 3.0 * n, 3.0 * n + 3, text, [n, n]) for n, text in enumerate(SENTENCES)]
    rows.append((video, 3.0 * len(SENTENCES), 3.0 * len(SENTENCES) + 1.5, "", [0]))
    return {
        "features": pa.Table.from_arrays(
            [*columns, feature_column(features)], schema=features_schema(WIDTH)
        ),
        "tokens": pa.Table.from_arrays([*columns, pa.array(looks)], names=TOKENS.names).cast(
            TOKENS
        ),
        "examples": pa.Table.from_pylist(
            [dict(zip(EXAMPLES.names, row, strict=True)) for row in rows], schema=EXAMPLES
        ),
    }


def _annotation(subset: str) -> dict[str, object]:
    times = [[3.0 * n, 3.0 * n + 3] for n in range(len(SENTENCES))]
    rows = [
        {"segment": segment, "sentence": text}
        for segment, text in zip(times, SENTENCES, strict=True)
    ]
    return {
        "subset": subset,
        "annotations": [*rows, {"segment": [900, 903], "sentence": "nobody sees this"}],
    }
