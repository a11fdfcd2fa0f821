"""A model, and a work folder whose videos are annotated for every task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.toys.model import CAPTIONS, captioning_model
from tests.toys.work_folder import toy_work
from videobert.data.annotations import import_annotations
from videobert.finetune.options import FinetuneOptions

KEPT, VIDEOS = 3, 12
STEPS, SHOWN = "steps", "shown"
LABELS = [text.split()[0] for text in CAPTIONS]
QUICK = FinetuneOptions(
    task=("tag",), annotations=STEPS, epochs=12, learning_rate=1e-3, batch_size=8, max_length=24
)
"""Half a second of two layers."""


@dataclass(frozen=True)
class Labelled:
    """A model's folder, and a work folder with the tables STEPS and SHOWN."""

    model: Path
    work: Path


def make_labelled(folder: Path) -> Labelled:
    """Write videos of five steps, a step in two clips of its own look.

    STEPS lacks step v mod 5 of video v: what it shows then has no label. SHOWN has the first two.
    """
    toy = toy_work(folder, captioning_model(), VIDEOS)
    every = [row for video in range(VIDEOS) for row in steps_of(video)]
    some = [row for row in every if row["label"] in LABELS[:2]]
    lacking = [row for row in every if row["label"] != LABELS[int(row["video"][6:]) % len(LABELS)]]
    add_annotations(toy.work, STEPS, lacking)
    add_annotations(toy.work, SHOWN, some)
    return Labelled(toy.model, toy.work)


def steps_of(video: int) -> list[dict[str, Any]]:
    return [
        {
            "video": f"video_{video}",
            "start": 3.0 * n,
            "end": 3.0 * n + 3,
            "text": text,
            "label": LABELS[n],
            "subset": "validation" if video < KEPT else "training",
        }
        for n, text in enumerate(CAPTIONS)
    ]


def add_annotations(work: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Import rows as a table."""
    path = work / f"{name}.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    import_annotations(path, work, "table", name)
