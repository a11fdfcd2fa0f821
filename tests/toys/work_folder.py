"""Work folders of drawn features, visual words and examples, and the same rows as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import SOURCE_KEY, TRANSCRIPTS, feature_column, features_schema
from tests.toys.codebook import WIDTH, toy_codebook
from tests.toys.model import CAPTIONS
from tokenization.schema import EXAMPLES, TOKENS
from videobert.data.stretches import Stretch
from videobert.data.youcook2 import TRAINING, VALIDATION
from videobert.loading import TrainedModel
from workfolder.files import write_json, write_table
from workfolder.stage import Stage

CLIP = 1.5
"""Seconds."""
VERBS = "chop boil fry wash peel grate".split()
NOUNS = "carrot egg onion pan apple cheese leek bread rice fish".split()


def add_features(work: Path, video: str, clips: int = 40, source: Path | None = None) -> None:
    """Write DIR/features/<video>.parquet with eight numbers a clip.

    Args:
        video: one letter, which is also the seed.
        source: the file that the features are said to come from.
    """
    features = np.random.default_rng(ord(video)).standard_normal((clips, 8)).astype(np.float16)
    table = _features_table(video, features)
    if source:
        table = table.replace_schema_metadata({SOURCE_KEY: bytes(source)})
    write_table(table, work / "features" / f"{video}.parquet")


def add_sentence(work: Path, video: str, text: str, start: float = 0.0, end: float = 6.0) -> None:
    """Write DIR/transcripts/<video>.parquet with one sentence."""
    row = {"video_id": video, "index": 0, "start": start, "end": end, "text": text}
    row |= {"source": "captions:x", "words": []}
    table = pa.Table.from_pylist([row], schema=TRANSCRIPTS)
    write_table(table, work / "transcripts" / f"{video}.parquet")


def make_work(folder: Path, videos: int = 10, spoken: bool = True) -> Path:
    """Write DIR/codebook and DIR/examples and return DIR.

    Video v works on noun v with all verbs, and shows visual word v mod 9.
    """
    rng, codebook = np.random.default_rng(0), toy_codebook()
    codebook.save(folder / "codebook")
    stage = Stage(folder / "examples")
    stage.claim({"codebook": codebook.digest})
    for video in range(videos):
        rows = []
        for place, verb in enumerate([*VERBS, ""]):
            text = f"{verb} the {NOUNS[video]}" if verb and spoken else ""
            visual = [video % 9, *rng.integers(9, size=3 + place).tolist()]
            rows.append((f"v{video}", 9.0 * place, 9.0 * place + 6, text, visual))
        write_table(_examples_table(rows), stage.path(f"v{video}"))
    return folder


def make_stretches(*rows: tuple[str, str, Sequence[int]], seconds: float = 6.0) -> list[Stretch]:
    """Return stretches of (video, text, visual words).

    All are equally long, and those of a video follow one another.
    """
    videos = [video for video, _, _ in rows]
    stretches = []
    for place, (video, text, words) in enumerate(rows):
        start = seconds * videos[:place].count(video)
        stretches.append(Stretch(video, start, start + seconds, text, np.array(words)))
    return stretches


def toy_stretches(copies: int, seed: int = 0) -> list[Stretch]:
    """Return stretches with captions, visual words and features, five of each video.

    Each caption has a visual word and a direction of its own.
    """
    rng = np.random.default_rng(seed)
    numbers = np.arange(copies * len(CAPTIONS)) % len(CAPTIONS)
    features = _looks(numbers, rng).astype(np.float32)
    stretches = []
    for n, (number, feature) in enumerate(zip(numbers, features, strict=True)):
        words = np.full(1 + n % 4, number)
        text = CAPTIONS[number]
        stretches.append(Stretch(f"video_{n // 5}", 0.0, CLIP * len(words), text, words, feature))
    return stretches


@dataclass(frozen=True)
class ToyWork:
    """A model's folder, a work folder of the same codebook, and annotations in YouCook2's form."""

    model: Path
    work: Path
    annotations: Path


def toy_work(folder: Path, model: TrainedModel, videos: int = 5) -> ToyWork:
    """Write a model and a work folder where each video says all of CAPTIONS in turn.

    A caption takes 3 s and two clips of a look of its own.
    """
    toy = ToyWork(folder / "model", folder / "work", folder / "annotations.json")
    model.network.save_pretrained(toy.model)
    model.processor.save_pretrained(toy.model)
    codebook = model.processor.codebook
    options = {
        "features": codebook.options["features"],
        "tokens": {"codebook": codebook.digest},
        "examples": {"codebook": codebook.digest},
    }
    stages = {name: Stage(toy.work / name) for name in options}
    for name, stage in stages.items():
        stage.claim(options[name])
    database = {"absent_one": _annotation(TRAINING)}
    for number in range(videos):
        video = f"video_{number}"
        for name, table in _tables(video, np.random.default_rng(number)).items():
            write_table(table, stages[name].path(video))
        database[video] = _annotation(TRAINING if number else VALIDATION)
    write_json({"database": database}, toy.annotations)
    return toy


def _tables(video: str, rng: np.random.Generator) -> dict[str, pa.Table]:
    looks = np.repeat(np.arange(len(CAPTIONS)), 2)
    tokens = [*_clips(video, len(looks)), pa.array(looks)]
    rows = [(video, 3.0 * n, 3.0 * n + 3, text, [n, n]) for n, text in enumerate(CAPTIONS)]
    rows.append((video, 3.0 * len(CAPTIONS), 3.0 * len(CAPTIONS) + CLIP, "", [0]))
    return {
        "features": _features_table(video, _looks(looks, rng)),
        "tokens": pa.Table.from_arrays(tokens, names=TOKENS.names).cast(TOKENS),
        "examples": _examples_table(rows),
    }


def _looks(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = 0.05 * rng.normal(size=(len(numbers), WIDTH))
    return 5 + np.eye(len(CAPTIONS), WIDTH)[numbers] + noise


def _clips(video: str, count: int) -> list[pa.Array]:
    index = np.arange(count, dtype=np.int32)
    return [pa.array([video] * count), *map(pa.array, (index, index * CLIP, index * CLIP + CLIP))]


def _features_table(video: str, features: np.ndarray) -> pa.Table:
    columns = [*_clips(video, len(features)), feature_column(features)]
    return pa.Table.from_arrays(columns, schema=features_schema(features.shape[1]))


def _examples_table(rows: list[tuple[str, float, float, str, list[int]]]) -> pa.Table:
    named = [dict(zip(EXAMPLES.names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=EXAMPLES)


def _annotation(subset: str) -> dict[str, object]:
    rows = [
        {"segment": [3.0 * n, 3.0 * n + 3], "sentence": text} for n, text in enumerate(CAPTIONS)
    ]
    unseen = {"segment": [900, 903], "sentence": "nobody sees this"}
    return {"subset": subset, "annotations": [*rows, unseen]}
