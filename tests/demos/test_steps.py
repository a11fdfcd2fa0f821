"""The end of the demo: the labels that it teaches, and the picture of what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from demos.kitchen.recipes import plan
from demos.kitchen.steps import TABLE, Strip, annotations_of, draw_strip, write_steps
from demos.kitchen.truth import HELD_OUT_VIDEOS, TRAINING
from videobert.data.annotations import read_annotation_table
from workfolder.files import write_table


def test_the_steps_of_the_training_videos_are_taught_and_no_others(tmp_path: Path) -> None:
    truth = plan(12, 0)
    for video in truth.videos:
        path = tmp_path / "tokens" / f"{Path(video.video).name}.parquet"
        write_table(pa.table({"x": [1]}), path)
    write_steps(truth, tmp_path)
    rows = read_annotation_table(tmp_path, TABLE)
    own = [video for video in truth.videos if video.split == TRAINING]
    assert [(row.video, row.start, row.label, row.text) for row in rows] == [
        (Path(video.video).name, step.start, step.verb, step.caption)
        for video in own
        for step in video.steps
    ]
    held_out = {row.video for row in annotations_of(truth, HELD_OUT_VIDEOS)}
    assert held_out and held_out.isdisjoint(row.video for row in rows)
    write_steps(truth, tmp_path)  # once more changes nothing
    assert len(read_annotation_table(tmp_path, TABLE)) == len(rows)


def test_the_picture_has_a_strip_for_what_was_done_and_one_for_what_was_found(
    tmp_path: Path,
) -> None:
    times = np.stack([np.arange(4), np.arange(1, 5)], axis=1) * 1.5
    right, wrong = ["B-chop", "I-chop", "O", "B-fry"], ["B-fry", "I-fry", "O", "B-fry"]
    drawn = []
    for found in (right, wrong):
        draw_strip(Strip("kitchen_0001", times, right, found), tmp_path / "strip.png")
        drawn.append(np.asarray(Image.open(tmp_path / "strip.png").convert("RGB")).astype(int))
    changed = np.abs(drawn[0] - drawn[1]).sum(axis=2) > 0
    rows = np.flatnonzero(changed.any(axis=1))
    middle = drawn[0].shape[0] / 2
    assert len(rows) > 20 and rows.min() > 0.4 * middle  # the lower strip alone
    columns = np.flatnonzero(changed.any(axis=0))
    assert columns.max() < 0.6 * drawn[0].shape[1]  # and its first two clips alone
