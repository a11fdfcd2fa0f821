"""The labels of benchmarks.real_tasks as tables of annotations, and the texts they are about."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.real_tasks_baselines import ALONE, DISH, KEY, SLOTS, WHEN
from feature_extraction.schema import TRANSCRIPTS
from videobert.data.annotations import import_annotations, table_path
from videobert.evaluation.metrics.tagging import OUTSIDE
from videobert.learning.split import kept_apart
from workfolder.files import write_table

XU = Path("frankxu_cooking_procedural") / "youcook2"
SHARE_APART = 0.2
STEP, OTHER = "step", "other"
LAST_SENTENCE = 5.0
"""Seconds of the last sentence of a video, whose end nobody noted."""


def sentences_of(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read the reviewed sentences, by video and in their order."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            found[row["VideoUrl"].rpartition("=")[2]].append(row)
    return found


def seconds(time: str) -> float:
    """Read a time such as 01:27.0, or 1:01:27.0."""
    total = 0.0
    for part in time.split(":"):
        total = 60 * total + float(part)
    return total


def transcript(rows: Sequence[dict[str, str]]) -> pa.Table:
    """Make the transcript of a video, in which a sentence ends where the next one begins."""
    said = sorted((seconds(row["TimeStamp"]), row["Sentence"]) for row in rows)
    ends = [start for start, _ in said[1:]] + [said[-1][0] + LAST_SENTENCE]
    return pa.Table.from_pylist(
        [
            {"start": start, "end": end, "text": text}
            for (start, text), end in zip(said, ends, strict=True)
        ],
        schema=TRANSCRIPTS,
    )


def slots_of(row: dict[str, str]) -> list[str]:
    """Tag the words of a sentence that its verbs and objects name, each once."""
    words = [re.sub(r"\W", "", word).lower() for word in row["Sentence"].split()]
    tags = [OUTSIDE] * len(words)
    for label, column in (("VERB", "Verb"), ("NOUN", "Object(directly related with Verb)")):
        for phrase in row[column].lower().split(";"):
            wanted = phrase.split()
            for first in range(len(words) - len(wanted) + 1):
                here = slice(first, first + len(wanted))
                free = all(tag == OUTSIDE for tag in tags[here])
                if wanted and words[here] == wanted and free:
                    tags[here] = [f"B-{label}"] + [f"I-{label}"] * (len(wanted) - 1)
                    break
    return tags


def tables(annotations: Path, most: int | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Make the rows of each table."""
    database = json.loads(
        (annotations / "youcook2" / "youcookii_annotations_trainval.json").read_text("utf-8")
    )["database"]
    texts = sorted((annotations / XU / "transcript").glob("*.txt"))[:most]
    yield (
        DISH,
        [
            {
                "video": path.stem,
                "text": path.read_text("utf-8"),
                "label": f"dish {database[path.stem]['recipe_type']}",
                "subset": "testing"
                if database[path.stem]["subset"] == "validation"
                else "training",
            }
            for path in texts
        ],
    )
    said = dict(sorted(sentences_of(annotations / XU / "reviewed_0812.csv").items())[:most])
    apart = set(np.array(list(said))[kept_apart(np.array(list(said)), SHARE_APART, 0)].tolist())
    every = [
        {
            "video": video,
            "text": row["Sentence"],
            "label": STEP if row["IsUsefulSentence"] == "1" else None,
            "subset": "testing" if video in apart else "training",
            "tags": slots_of(row),
        }
        for video, rows in said.items()
        for row in rows
        if row["Sentence"].strip()
    ]
    yield KEY, [{**row, "tags": None} for row in every]
    yield ALONE, [{**row, "tags": None, "label": row["label"] or OTHER} for row in every]
    yield SLOTS, [row for row in every if row["label"]]
    yield WHEN, captions(database, list(said), apart)


def captions(
    database: dict[str, Any], videos: Sequence[str], apart: set[str]
) -> list[dict[str, Any]]:
    """Make the rows of YouCook2's captions; of the videos that are apart every second one."""
    return [
        {
            "video": video,
            "start": float(step["segment"][0]),
            "end": float(step["segment"][1]),
            "text": step["sentence"],
            "subset": "testing" if video in apart else "training",
        }
        for video in videos
        for turn, step in enumerate(database.get(video, {"annotations": []})["annotations"])
        if turn % 2 == 0 or video not in apart
    ]


def write_work(work: Path, annotations: Path, most: int | None) -> None:
    """Write a folder that knows the videos, and the tables, unless they are there."""
    said = sentences_of(annotations / XU / "reviewed_0812.csv")
    for name, rows in tables(annotations, most):
        for video in {row["video"] for row in rows}:
            path = work / "transcripts" / f"{video}.parquet"
            if not path.exists():
                there = transcript(said[video]) if video in said else TRANSCRIPTS.empty_table()
                write_table(there, path)
        if not table_path(work, name).exists():
            path = work / f"{name}.jsonl"
            path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
            import_annotations(path, work, "table", name)
