"""What a table of annotations and its videos have to teach, and what is kept apart of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tokenization.codebook import Codebook
from videobert.data.annotation_files import TESTING, TRAINING, VALIDATION
from videobert.data.annotations import Annotation, read_annotation_table
from videobert.data.clips import Clips
from videobert.data.said import Said, read_said
from videobert.data.work import read_clips, token_stage
from videobert.finetune.options import FIND, FinetuneOptions
from videobert.learning.split import kept_apart
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.stage import Stage

SHARE_APART = 0.1
"""Of the videos whose subset is not told, so many are for validation."""


@dataclass(frozen=True)
class Data:
    """What is taught.

    Attributes:
        footage: the clips of each video.
        rows: by subset.
        said: the sentences of each video, where no video has clips and a task searches them.
    """

    footage: Mapping[str, Clips]
    rows: Mapping[str, Sequence[Annotation]]
    said: Mapping[str, Said] = field(default_factory=dict)


def read_data(work: Path, model: TrainedModel, options: FinetuneOptions) -> Data:
    """Read a table, and the clips of its videos where the folder has them.

    Raises:
        InputError: if no row is there to learn from.
    """
    rows = read_annotation_table(work, options.annotations)
    split = split_rows(rows, options.seed)
    if not split[TRAINING]:
        raise InputError(
            f"the table {options.annotations} has no row of the subset {TRAINING}: import one that "
            "has some"
        )
    videos = {row.video for row in rows}
    footage = read_footage(work, videos, model.processor.codebook)
    said = read_said(work, videos) if FIND in options.task and not footage else {}
    return Data(footage, split, said)


def read_footage(work: Path, videos: set[str], codebook: Codebook) -> dict[str, Clips]:
    """Read the clips of videos, where the folder has visual words at all."""
    if not Stage(work / "tokens").done():
        return {}
    there = set(token_stage(work, codebook).done())
    return {video: read_clips(work, video, codebook) for video in sorted(videos & there)}


def split_rows(rows: Sequence[Annotation], seed: int) -> dict[str, list[Annotation]]:
    """Split rows by video: one that is kept apart in any row is in none to learn from.

    Of the videos whose subset no row tells, a share is drawn for validation.
    """
    subsets: dict[str, set[str]] = {}
    for row in rows:
        subsets.setdefault(row.video, set()).update([row.subset] if row.subset else [])
    untold = np.array(sorted(video for video, its in subsets.items() if not its))
    if len(untold):
        apart = set(untold[kept_apart(untold, SHARE_APART, seed, least=1)].tolist())
    where = {
        video: next((name for name in (TESTING, VALIDATION, TRAINING) if name in its), None)
        or (VALIDATION if video in apart else TRAINING)
        for video, its in subsets.items()
    }
    split: dict[str, list[Annotation]] = {name: [] for name in (TRAINING, VALIDATION, TESTING)}
    for row in rows:
        split[where[row.video]].append(row)
    return split


def only_table(work: Path) -> str:
    """Return the name of the one table that a folder has.

    Raises:
        InputError: if it has none, or several.
    """
    there = sorted(path.stem for path in (work / "annotations").glob("*.parquet"))
    if len(there) != 1:
        found = f"give --annotations, one of {', '.join(there)}" if there else ""
        raise InputError(
            f"{work} has {len(there)} tables of annotations: "
            + (found or "run videobert import annotations")
        )
    return there[0]
