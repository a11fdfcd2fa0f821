"""One table of annotated stretches, of which every task is a view: DIR/annotations/<name>.parquet.

A task is taught by rows of this table and measured on others, see videobert/finetune/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from feature_extraction.imported.named_videos import NamedVideos
from videobert.data.annotation_files import Annotated, read_annotated
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.guard import Guards
from workfolder.options import Limits
from workfolder.sources import named_id
from workfolder.stage import Stage

ANNOTATIONS = pa.schema(
    [
        ("video_id", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("subset", pa.string()),
    ]
)
"""Rows in the order of the file. ``start`` and ``end`` are null for the whole video. ``text`` may
be empty. ``tags`` are BIO, one for each word of ``text`` split at white space. ``subset`` is
training, validation or testing; null where the file does not tell."""
FOLDER = "annotations"
SOURCE = "source"
"""A further column of tables that videobert augment wrote: the text that a new one was made of."""


@dataclass(frozen=True)
class Annotation:
    """A row of the table."""

    video: str
    start: float | None
    end: float | None
    text: str
    label: str | None
    tags: tuple[str, ...]
    subset: str | None


@dataclass(frozen=True)
class AnnotationReport:
    """What became of a file.

    Attributes:
        path: of the table.
        rows: how many were written.
        videos: how many videos they are about.
        labels: how often each label is there, the commonest first.
        refused: a line for each row that cannot be used, with the file and where it stands.
        missing: the videos that the folder does not have, as the file names them.
        now: whether this run wrote it.
    """

    path: str
    rows: int
    videos: int
    labels: dict[str, int]
    refused: Sequence[str]
    missing: Sequence[str]
    now: bool

    def __str__(self) -> str:
        done = "" if self.now else "done already: "
        labels = f", {len(self.labels):,} labels" if self.labels else ""
        refused = f"; {len(self.refused):,} rows refused" if self.refused else ""
        return f"{done}{self.path}: {self.rows:,} rows of {self.videos:,} videos{labels}{refused}"


def table_path(work: Path, name: str) -> Path:
    """Return where a table lies.

    Raises:
        InputError: if the name cannot be that of a file.
    """
    if named_id(name) != name or not name:
        raise InputError(f"--name {name!r} cannot be the name of a file: give another")
    return work / FOLDER / f"{name}.parquet"


def import_annotations(
    file: Path, work: Path, format: str, name: str | None = None, limits: Limits = Limits()
) -> AnnotationReport:
    """Write DIR/annotations/<name>.parquet of the rows that can be used, where there are any.

    Args:
        file: what somebody else made; a folder for CrossTask.
        work: the folder DIR.
        format: a key of annotation_files.FORMATS.
        name: of the table; the file's by default.
        limits: what reading the file may take.

    Raises:
        InputError: if the file has another shape, no row can be used, or the table was made of
            another file.
    """
    path = table_path(work, name or named_id(file.stem))
    videos = NamedVideos(known_videos(work))
    found: list[dict[str, object]] = []
    refused, missing = list[str](), dict[str, None]()
    for row in _read(file, format, limits):
        try:
            if row.problem:
                raise InputError(row.problem)
            video = videos.find(row.video)
        except InputError as error:
            refused.append(f"{file}, {row.place}: {error}")
            continue
        if video is None:
            missing[row.video] = None
        else:
            found.append({"video_id": video, **row._asdict()})
    if not found:
        raise InputError(_nothing_left(file, work, refused, list(missing)))
    table = pa.Table.from_pylist(found, schema=ANNOTATIONS)
    now = _write(table, file, path)
    return _report(path, table, refused, list(missing), now)


def known_videos(work: Path) -> set[str]:
    """List the videos of which a folder has features, visual words or sentences.

    Raises:
        InputError: if there is none.
    """
    stages = (Stage(work / name) for name in ("features", "tokens", "transcripts"))
    found = {video for stage in stages for video in stage.done()}
    if not found:
        raise InputError(f"{work} holds no videos: run videobert extract VIDEOS --work {work}")
    return found


def _read(file: Path, format: str, limits: Limits) -> Sequence[Annotated]:
    guards = Guards(limits, returns=[Annotated])
    try:
        return list(guards.stream(read_annotated, file, format))
    finally:
        guards.close()


def _nothing_left(file: Path, work: Path, refused: Sequence[str], missing: Sequence[str]) -> str:
    if not refused:
        return (
            f"{file}: none of its {len(missing):,} videos is in {work}, {missing[0]} for one; "
            "nothing was written: give the folder that has them"
        )
    more = f", and {len(refused) - 1:,} more rows are refused" if len(refused) > 1 else ""
    absent = f", {len(missing):,} videos are not in {work}" if missing else ""
    return f"{refused[0]}{more}{absent}; nothing was written: mend the file"


def _write(table: pa.Table, file: Path, path: Path) -> bool:
    """Write a table unless it is there.

    Raises:
        InputError: if one of other rows is there.
    """
    if path.exists():
        if read_table(path).equals(table):
            return False
        raise InputError(
            f"{path} has other rows than {file}: give another --name, or delete it, as what was "
            "taught by it must know what it was"
        )
    write_table(table, path)
    return True


def _report(
    path: Path, table: pa.Table, refused: list[str], missing: list[str], now: bool
) -> AnnotationReport:
    labels = Counter(label for label in table["label"].to_pylist() if label is not None)
    videos = len(set(table["video_id"].to_pylist()))
    return AnnotationReport(
        str(path), len(table), videos, dict(labels.most_common()), refused, missing, now
    )


def read_annotation_table(work: Path, name: str) -> list[Annotation]:
    """Read a table.

    Raises:
        InputError: if it is not there, or has other columns.
    """
    path = table_path(work, name)
    if not path.is_file():
        there = sorted(each.stem for each in path.parent.glob("*.parquet"))
        advice = f"give one of {', '.join(there)}" if there else "run videobert import annotations"
        raise InputError(f"{path} is not there: {advice}")
    table = read_table(path)
    if SOURCE in table.column_names:
        table = table.drop_columns([SOURCE])
    if not table.schema.equals(ANNOTATIONS):
        raise InputError(f"{path} has other columns than annotations: import them again")
    columns = table.to_pydict().values()
    return [
        Annotation(video, start, end, text, label, tuple(tags or ()), subset)
        for video, start, end, text, label, tags, subset in zip(*columns, strict=True)
    ]
