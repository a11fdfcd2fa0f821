"""What happens in the kitchen as tables of annotations, from which its tasks are learnt."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.kitchen_tables.corpus import EVERYTHING, VALIDATION, Kitchen
from demos.kitchen.truth import Truth
from videobert.data.annotations import Annotation, import_annotations, table_path

STEPS, VERBS = "steps", "verbs"
"""The tables: steps with their captions; and their verbs alone, which classify must see."""
YES_OR_NO, MASKED = "yes-or-no", "mask"
SENTENCES = {YES_OR_NO: "the verb is {label}", MASKED: "it is time to [MASK] the"}
"""By which classify asks for a verb. The second is how the narration speaks."""


def annotations(truth: Truth, table: str) -> list[Annotation]:
    """Return the steps of some videos as rows of a table."""
    return [
        Annotation(
            Path(video.video).name,
            step.start,
            step.end,
            step.caption if table == STEPS else "",
            step.verb,
            (),
            None,
        )
        for video in truth.videos
        for step in video.steps
    ]


def write_tables(kitchen: Kitchen) -> None:
    """Write both tables of the training and the validation videos, unless they are there."""
    work = kitchen.work(EVERYTHING)
    for table in (STEPS, VERBS):
        if table_path(work, table).exists():
            continue
        rows = [
            {**vars(row), "subset": subset, "tags": None}
            for subset, name in (("training", kitchen.main), ("validation", VALIDATION))
            for row in annotations(kitchen.truth(name), table)
        ]
        path = work / f"{table}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
        import_annotations(path, work, "table", table)
