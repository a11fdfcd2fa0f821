"""Features that another program made: one array a video becomes DIR/features/<video>.parquet.

What made them cannot be seen in the numbers. So the folder keeps what the user says of the network
(``--weights-note``) and a digest of the first rows of one video. Files of another network, width
or time step are refused where these tell them apart.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from feature_extraction.imported.arrays import SUFFIXES, check_readable, reader_of
from feature_extraction.imported.options import FeatureImportOptions
from feature_extraction.media import declared_seconds
from feature_extraction.schema import (
    SCHEMA_VERSION,
    SOURCE_KEY,
    feature_column,
    features_schema,
)
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import begin, run_job
from workfolder.sources import Source, Sources, find_videos
from workfolder.stage import OPTIONS_FILE, VERSIONS, Stage, versions

FIRST_ROWS = 16
"""Rows of a video of which the digest is taken."""
NOT_TOLD = "imported, network not told"
"""What options.json says of the weights where the user said nothing."""

logger = logging.getLogger(__name__)


class FeatureImporter(Maker):
    """Turns a file of features into the rows of its video."""

    def __init__(
        self, options: FeatureImportOptions, width: int, limits: Limits = Limits()
    ) -> None:
        """Store the options.

        Args:
            options: when a row begins, and how long it is.
            width: numbers that every row must have.
            limits: what reading one file may take.
        """
        self.options, self.width = options, width
        self._limits = limits
        self._guards = Guards(limits)

    def __reduce__(self) -> tuple[type[FeatureImporter], tuple[Any, ...]]:
        """Leave the processes behind."""
        return FeatureImporter, (self.options, self.width, self._limits)

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, as schema.features_schema has them.

        Raises:
            InputError: if the file cannot be used; the message names it and the row.
        """
        features, told = _read(self._guards, source.path, self.options.key)
        if features.shape[1] != self.width:
            raise InputError(
                f"{source.path} has {features.shape[1]} numbers a row, and the others have "
                f"{self.width}: import features of another network into a folder of their own"
            )
        starts = self.options.start + self.options.step * np.arange(len(features))
        _refuse_other_times(source.path, starts, told, self.options.step)
        if source.pictures is not None:
            self._refuse_too_long(source, starts)
        index = np.arange(len(features), dtype=np.int32)
        columns = [
            pa.array([source.video_id] * len(features)),
            pa.array(index),
            pa.array(starts),
            pa.array(starts + self.options.seconds),
            feature_column(features),
        ]
        table = pa.Table.from_arrays(columns, schema=features_schema(self.width))
        if source.pictures is not None:
            shown = os.fsencode(source.pictures.resolve())
            table = table.replace_schema_metadata({SOURCE_KEY: shown})
        return Made(table)

    def close(self) -> None:
        """End the processes that read."""
        self._guards.close()

    def _refuse_too_long(self, source: Source, starts: np.ndarray) -> None:
        """Refuse rows that begin after the end of their video."""
        assert source.pictures is not None
        lasts = self._guards.call(declared_seconds, source.pictures)
        if lasts and starts[-1] > lasts + self.options.step:
            raise InputError(
                f"{source.path}, row {len(starts) - 1} (the first is 0): it begins at "
                f"{starts[-1]:g} s, and {source.pictures} lasts {lasts:g} s: give other "
                "--seconds, --start or --rate"
            )


def import_features(
    files: Sequence[Source],
    work: Path,
    options: FeatureImportOptions,
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Write DIR/features/<video>.parquet for every file whose video has none yet.

    A file that fails is in the report and in failures.jsonl.

    Raises:
        InputError: if no file can be read, DIR/features was made with other options or of another
            network, or the job has to stop.
    """
    stage = Stage(work / "features")
    for source in files:
        check_readable(source.path)
    made_with = _provenance(files, stage, options, job)
    importer = FeatureImporter(options, made_with["width"], job.limits)
    begin(stage, files, importer, made_with, job)
    return run_job(stage, files, importer, job, progress)


def find_feature_files(
    paths: Iterable[Path], videos: Path | None = None, follow_links: bool = False
) -> Sources:
    """Find files of features, and the videos that they were made of.

    A file and a video belong together if their ids are equal, or else if the last parts of their
    ids are, and no other video ends in that part.

    Args:
        paths: files, folders of them, and .txt lists of them.
        videos: a folder of videos; None if there are no pictures.
        follow_links: whether links may lead out of a folder or list.

    Raises:
        InputError: if nothing is found.
    """
    found = find_videos(paths, SUFFIXES, follow_links)
    if videos is None:
        return found
    there = [each for each in find_videos([videos], follow_links=follow_links) if not each.refusal]
    by_id = {each.video_id: each.path for each in there}
    by_name: dict[str, list[Path]] = {}
    for each in there:
        by_name.setdefault(_last_part(each.video_id), []).append(each.path)
    matched = []
    for source in found:
        named = by_name.get(_last_part(source.video_id), [])
        alone = named[0] if len(named) == 1 else None
        matched.append(replace(source, pictures=by_id.get(source.video_id, alone)))
    if absent := sum(source.pictures is None for source in matched):
        logger.warning(
            "%s of %s files of features have no video in %s: they are imported without pictures",
            *(absent, len(matched), videos),
        )
    return Sources(matched, found.passed_over)


def options_of(made_with: Mapping[str, Any]) -> FeatureImportOptions:
    """Return the options by which features were imported, from what options.json has of them."""
    seconds, step = made_with["seconds"], made_with["step"]
    rate = None if step == seconds else 1 / step
    return FeatureImportOptions(seconds, made_with["start"], rate, key=made_with.get("key"))


def _last_part(video_id: str) -> str:
    return PurePosixPath(unquote(video_id)).name


def _read(guards: Guards, path: Path, key: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    features, told = guards.call(reader_of(path), path, key)
    return features, told


def _refuse_other_times(
    path: Path, starts: np.ndarray, told: np.ndarray | None, step: float
) -> None:
    """Refuse a file that tells other times than the options do."""
    if told is None:
        return
    other = np.flatnonzero(~(np.abs(told - starts) < step / 2))
    if other.size:
        row = int(other[0])
        raise InputError(
            f"{path}, row {row} (the first is 0): its column start says {told[row]:g} s, and "
            f"--seconds, --start and --rate say {starts[row]:g} s: give those of the file"
        )


def _provenance(
    files: Sequence[Source], stage: Stage, options: FeatureImportOptions, job: JobOptions
) -> dict[str, Any]:
    """Return everything that decides what a feature is, as JSON can hold it.

    One file is read for that: the one by which DIR/features is known, or else the first that can
    be read.

    Raises:
        InputError: if no file can be read, or nothing tells that these are of the same network as
            those that are there.
    """
    there = stage.options() if (stage.folder / OPTIONS_FILE).exists() else {}
    known_by = (there.get("first_rows") or {}).get("video")
    known = [source for source in files if source.video_id == known_by and not source.refusal]
    note = options.weights_note
    if known_by and not known and note is not None and there["weights"] == note:
        first_rows, width = there["first_rows"], there["width"]
    elif known or not known_by or job.start_over:
        first_rows, width = _first_rows(known or list(files), options, job.limits)
    else:
        raise InputError(
            f"nothing tells whether these features are of the same network as those in "
            f"{stage.folder}: give the file of {known_by}, too, or the --weights-note of both, "
            "or another folder"
        )
    told = first_rows["digest"] if note is None else hashlib.sha256(note.encode()).hexdigest()[:16]
    return {
        "schema": SCHEMA_VERSION,
        "imported": True,
        "seconds": options.seconds,
        "start": options.start,
        "step": options.step,
        **({"key": options.key} if options.key else {}),
        "width": width,
        "weights": NOT_TOLD if note is None else note,
        "weights_digest": told,
        "first_rows": first_rows,
        VERSIONS: versions("h5py", "numpy", "pyarrow", "torch"),
    }


def _first_rows(
    files: Sequence[Source], options: FeatureImportOptions, limits: Limits
) -> tuple[dict[str, str], int]:
    """Return the digest of the first rows of a video, with its id, and the width of its rows.

    Raises:
        InputError: if no file can be read; the message is about the first.
    """
    guards, failed = Guards(limits), None
    try:
        for source in files:
            try:
                if source.refusal:
                    raise InputError(source.refusal)
                features, _ = _read(guards, source.path, options.key)
            except InputError as error:
                failed = failed or error
                continue
            digest = hashlib.sha256(str(features.shape[1]).encode())
            digest.update(np.ascontiguousarray(features[:FIRST_ROWS]).tobytes())
            return {
                "video": source.video_id,
                "digest": digest.hexdigest()[:16],
            }, features.shape[1]
    finally:
        guards.close()
    raise failed or InputError("no file of features was given: name a file or a folder")
