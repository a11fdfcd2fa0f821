"""Rows of labels on two toy videos, and what a question about them reads like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from videobert.data.annotations import Annotation
from videobert.finetune.tasks.task import Task

CLIPS = 30
"""Clips of each video, of 1.5 s."""
Make = Callable[..., Any]
"""Makes a task from its name and rows; the fixture ``make``."""


def row(
    video: str,
    start: float | None,
    end: float | None,
    text: str = "",
    label: str | None = None,
    tags: str = "",
) -> Annotation:
    return Annotation(video, start, end, text, label, tuple(tags.split()), "training")


STEPS = [
    row("a", 0, 3, "cut the bread", "cut"),
    row("a", 6, 12, "flip it", "flip"),
    row("b", 3, 9, "spread butter on the bread", "spread"),
    row("b", 30, 36, "flip it", "flip"),
]


def spelt(task: Task, question: Any, row: int = 0) -> str:
    ids = question.rows[row].ids
    text = [n if n < task.reader.processor.vocabulary.first_visual else "v" for n in ids.tolist()]
    decode = task.reader.processor.tokenizer.convert_ids_to_tokens
    return " ".join("v" if n == "v" else decode(n) for n in text)
