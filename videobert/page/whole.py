"""What labels taught of whole videos: their steps, and when something is shown in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from videobert.data.annotations import read_annotation_table, table_path
from videobert.data.clips import Clips
from videobert.finetune.options import FIND, FOLDER, OPTIONS_FILE, TAG, is_taught
from videobert.page.parts import Stretches
from workfolder.files import read_json


class Whole:
    """MODEL/tasks, of which nothing is read before it is asked.

    Attributes:
        tags: the task that names the steps of a video; None if none was taught.
        finds: whether a text can be found in a video.
    """

    def __init__(self, model: Path, work: Path | None) -> None:
        self._model, self._work = model, work
        self.tags = _tagger(model)
        self.finds = is_taught(model, FIND)

    @cached_property
    def _tuned(self) -> Any:
        from videobert.finetune.tuned import load_tuned

        return load_tuned(self._model, self.tags or TAG)

    @cached_property
    def finder(self) -> Any:
        """MODEL/tasks/find."""
        from videobert.finetune.tuned import load_tuned

        return load_tuned(self._model, FIND)

    def steps(self, name: str, clips: Clips) -> Stretches:
        """Say the label of each step, with its start and end in seconds."""
        from videobert.finetune.tuned import apply_to_clip

        told = apply_to_clip(self._tuned, name, clips)[TAG]
        return [(each["start"], each["end"], each["label"]) for each in told["steps"]]

    def truth(self, video: str | None) -> Stretches:
        """Look up the labels of a video in the table that taught, possibly none."""
        table = self._tuned.options.annotations
        if self._work is None or video is None or not table_path(self._work, table).exists():
            return []
        return [
            (row.start, row.end, row.label)
            for row in read_annotation_table(self._work, table)
            if row.video == video and row.label and row.start is not None and row.end is not None
        ]

    def found(self, name: str, clips: Clips, text: str) -> tuple[str, Stretches]:
        """Answer when a text is shown; also with yes or no where that was taught."""
        from videobert.finetune.tuned import apply_to_clip

        told = apply_to_clip(self.finder, name, clips, [text])[FIND]
        if "answer" in told:
            return str(told["answer"]), []
        if not told["shown"]:
            return "It is not shown.", []
        start, end = told["when"]
        return f"From {start:.1f} to {end:.1f} s.", [(start, end, text)]


def _tagger(model: Path) -> str | None:
    """Find the first task that tags clips and is no control."""
    paths: Sequence[Path] = sorted((model / FOLDER).glob(f"*/{OPTIONS_FILE}"))
    for path in paths:
        made_with = read_json(path)
        about = read_json(path.with_name("labels.json")).get(TAG, {})
        if about.get("units") == "clips" and not made_with.get("random weights"):
            return path.parent.name
    return None
