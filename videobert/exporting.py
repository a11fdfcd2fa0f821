"""What a work folder holds, in the formats of other libraries, at any place that fsspec can write.

An export is whole once its ``export.json`` is there, which is written last.

webdataset: shards ``00000.tar`` for the library webdataset. A sample is a video: ``json`` has its
id, ``features.npy`` its features, ``<stage>.json`` the other columns of a stage. A sample's key is
the id with its dots as %2E, as a key ends at its first dot.
datasets: ``<stage>/00000.parquet`` and a README.md, which ``datasets.load_dataset(place, stage)``
reads.
lance: ``<stage>.lance``, a data set of Lance.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from feature_extraction.schema import feature_matrix
from workfolder.addresses import as_address, reason_of, shown
from workfolder.errors import InputError
from workfolder.files import PARQUET, read_table
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE, Stage

FEATURE = "feature"
EXPORT_FILE = "export.json"
SHARD_BYTES = 256 * 2**20
GROUP_BYTES = 16 * 2**20
"""Bytes of rows in a row group of Parquet."""
EXTRA = "pip install 'videobert[export]'"


@dataclass
class Exported:
    """What was written.

    Attributes:
        place: where, without what may be secret.
        format: one of FORMATS.
        stages: rows by stage.
        videos: how many there were.
        files: their names below the place.
    """

    place: str
    format: str
    stages: dict[str, int] = field(default_factory=dict)
    videos: int = 0
    files: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = ", ".join(f"{count:,} rows of {stage}" for stage, count in self.stages.items())
        return f"{self.place}: {self.videos:,} videos, {rows}, in {len(self.files)} files"


@dataclass(frozen=True)
class _Export:
    """A work folder on its way to a place.

    Attributes:
        stages: those that are exported.
        system: fsspec's file system of the place.
        root: the place there.
        report: filled in.
        shard_bytes: how large a file becomes, about.
    """

    stages: list[Stage]
    system: Any
    root: str
    report: Exported
    progress: Progress
    shard_bytes: int

    def write(self, name: str) -> Any:
        """Open a file below the place for writing, and note it."""
        self.report.files.append(name)
        path = f"{self.root}/{name}"
        if not as_address(self.report.place):  # there are no folders elsewhere
            self.system.makedirs(path.rpartition("/")[0], exist_ok=True)
        return self.system.open(path, "wb")

    def tables(self, stage: Stage) -> Iterator[pa.Table]:
        """Yield the rows of each video of a stage."""
        videos = stage.done()
        for count, video in enumerate(videos, 1):
            table = read_table(stage.path(video)).replace_schema_metadata(None)
            self._note(stage, table)
            yield table
            self.progress(f"export {stage.folder.name}", count, len(videos))

    def samples(self) -> Iterator[dict[str, Any]]:
        """Yield what each video has of all stages, as webdataset writes it."""
        there = [set(stage.done()) for stage in self.stages]
        videos = sorted(set().union(*there))
        for count, video in enumerate(videos, 1):
            sample: dict[str, Any] = {
                "__key__": video.replace(".", "%2E"),
                "json": {"video_id": video},
            }
            for stage in (one for one, has in zip(self.stages, there, strict=True) if video in has):
                table = read_table(stage.path(video))
                self._note(stage, table)
                if FEATURE in table.column_names:
                    sample[f"{stage.folder.name}.npy"] = feature_matrix(table)
                    table = table.drop_columns([FEATURE])
                rows = table.drop_columns(["video_id"]).to_pylist()
                sample[f"{stage.folder.name}.json"] = rows
            yield sample
            self.progress("export", count, len(videos))

    def _note(self, stage: Stage, table: pa.Table) -> None:
        name = stage.folder.name
        self.report.stages[name] = self.report.stages.get(name, 0) + table.num_rows


def export(
    work: Path,
    place: str,
    format: str,
    stages: Sequence[str],
    progress: Progress = silent,
    shard_bytes: int = SHARD_BYTES,
) -> Exported:
    """Write what stages of a work folder hold to a place.

    Args:
        work: the work folder.
        place: a folder, or an address that fsspec can write to.
        format: one of FORMATS.
        stages: their names; those that hold nothing are left out.

    Raises:
        InputError: if they all hold nothing, the place has an export already or cannot be written,
            or a package is missing.
    """
    found = [Stage(work / name) for name in stages if (work / name / OPTIONS_FILE).exists()]
    found = [stage for stage in found if stage.done()]
    if not found:
        raise InputError(f"{work} holds nothing of {', '.join(stages)}: run those stages first")
    report = Exported(shown(place) if as_address(place) else place, format)
    system, root = _place(place, report.place)
    job = _Export(found, system, root, report, progress, shard_bytes)
    try:
        if system.exists(f"{root}/{EXPORT_FILE}"):
            raise InputError(f"{report.place} holds an export already: give another place")
        FORMATS[format](job)
        report.videos = len(set().union(*(stage.done() for stage in found)))
        notes = {"format": format, "videos": report.videos, "rows": report.stages}
        made = {stage.folder.name: stage.options() for stage in found}
        listed = {**notes, "files": list(report.files), "made_with": made}
        with job.write(EXPORT_FILE) as file:
            file.write(json.dumps(listed, indent=2).encode())
    except (InputError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise InputError(f"--format {format} needs {error.name}: {EXTRA}") from error
    except Exception as error:  # whatever the libraries of the schemes raise
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise InputError(f"{report.place} cannot be written ({reason})") from error
    return report


def _place(place: str, told: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        system, root = url_to_fs(place)
    except ImportError as error:
        raise InputError(f"{told} needs {error.name or 'a package'}: pip install it") from error
    except Exception as error:  # whatever the libraries of the schemes raise
        raise InputError(f"{told} cannot be used ({reason_of(error)})") from error
    return system, str(root).rstrip("/")


def _webdataset(job: _Export) -> None:
    from webdataset import TarWriter

    samples = job.samples()
    sample = next(samples, None)
    while sample:
        with job.write(f"{len(job.report.files):05d}.tar") as file:
            writer = TarWriter(file, mtime=0)
            while sample and file.tell() < job.shard_bytes:
                writer.write(sample)
                sample = next(samples, None)
            writer.close()


def _datasets(job: _Export) -> None:
    for stage in job.stages:
        tables, number = _grouped(job.tables(stage)), 0
        table = next(tables, None)
        while table:
            with (
                job.write(f"{stage.folder.name}/{number:05d}.parquet") as file,
                pq.ParquetWriter(file, table.schema, **PARQUET) as writer,
            ):
                while table and file.tell() < job.shard_bytes:
                    writer.write_table(table)
                    table = next(tables, None)
            number += 1
    configs = [
        f"- config_name: {stage.folder.name}\n  data_files: {stage.folder.name}/*.parquet"
        for stage in job.stages
    ]
    with job.write("README.md") as file:
        file.write("\n".join(["---", "configs:", *configs, "---", "# Of videobert\n"]).encode())


def _grouped(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Join tables until they are large enough for a row group."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(each.nbytes for each in held) >= GROUP_BYTES:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _lance(job: _Export) -> None:
    """Lance writes to a disk alone here; what it wrote is then put to the place."""
    import lance

    for stage in job.stages:
        tables = _grouped(job.tables(stage))
        first = next(tables)
        batches = (batch for table in _with(first, tables) for batch in table.to_batches())
        name = f"{stage.folder.name}.lance"
        with tempfile.TemporaryDirectory() as folder:
            reader = pa.RecordBatchReader.from_batches(first.schema, batches)
            lance.write_dataset(reader, str(Path(folder) / name))
            for path in sorted((Path(folder) / name).rglob("*")):
                if path.is_file():
                    below = path.relative_to(folder).as_posix()
                    with job.write(below) as file, path.open("rb") as written:
                        while chunk := written.read(2**20):
                            file.write(chunk)


def _with(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from others


FORMATS: dict[str, Callable[[_Export], None]] = {
    "webdataset": _webdataset,
    "datasets": _datasets,
    "lance": _lance,
}
